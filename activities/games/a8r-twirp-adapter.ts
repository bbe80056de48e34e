/** Our signed calls to an a8r v2 aggregator: `POST <base>/v2/casino_a8r.<Service>/<Method>`. */
import { z } from 'zod';
import { succeed, type Result } from '#domain/failures.ts';
import { callA8r, isAcknowledged, isAlreadyDone, playerFields, type A8rLimits } from './a8r-call.ts';
import { a8rGamesOf, providerOf } from './a8r-games.ts';
import type { ProviderAccess } from './provider-access.ts';
import {
  catalogueCall,
  linkAnswer,
  noAnswer,
  parseAnswer,
  readAnswer,
  refusedIfUnknown,
} from './provider-call.ts';
import type { DemoRequest, GameProvider } from './providers.ts';

const launchAnswer = z.object({ launch_url: linkAnswer });

export function createA8rV2Provider(access: ProviderAccess): GameProvider {
  const casino = { casino_id: access.operatorId };
  const call = (method: string, fields: object, limits?: A8rLimits) =>
    callA8r(access, `/v2/casino_a8r.${method}`, { ...casino, ...fields }, limits);
  const launch = async (method: string, fields: object): Promise<Result<string>> => {
    const answer = await call(method, fields);
    if (!answer.ok) return refusedIfUnknown(answer);
    const launched = readAnswer(launchAnswer, answer.value);
    return launched.ok ? succeed(launched.value.launch_url) : launched;
  };
  return {
    launchUrl: ({ player, ...request }) =>
      launch('Launcher/Real', {
        ...launchFields(request),
        player: {
          ...playerFields(player),
          currency: player.asset,
          ...(player.personal === null ? {} : { email: player.personal.email }),
        },
      }),
    demoUrl: (request) => launch('Launcher/Demo', launchFields(request)),
    async gameList() {
      const answer = await call('Game/List', {}, catalogueCall);
      if (!answer.ok) return refusedIfUnknown(answer);
      const list = a8rGamesOf(parseAnswer(answer.value.text));
      return list === null ? noAnswer() : succeed(list);
    },
    async issueFreeRounds({ issueId, player, games, count, betValue, validUntil }) {
      const answer = await call('Freespins/Issue', {
        issue_id: issueId,
        freespins_quantity: count,
        bet_amount: betValue,
        games,
        valid_until: validUntil,
        player: { ...playerFields(player), currency: player.asset },
      });
      if (isAlreadyDone(answer)) return succeed(undefined);
      if (!answer.ok) return refusedIfUnknown(answer);
      return isAcknowledged(answer.value) ? succeed(undefined) : noAnswer();
    },
    async cancelFreeRounds({ issueId, games }) {
      const answer = await call('Freespins/Cancel', {
        issue_id: issueId,
        provider: providerOf(games[0] ?? ''),
      });
      if (!answer.ok) return answer;
      return isAcknowledged(answer.value) ? succeed(undefined) : noAnswer();
    },
  };
}

const launchFields = (request: DemoRequest) => ({
  client_type: request.platform,
  game: request.game,
  ip: request.ip,
  jurisdiction: request.jurisdiction,
  locale: request.language,
  urls: { return_url: request.lobbyUrl, deposit_url: request.depositUrl },
});
