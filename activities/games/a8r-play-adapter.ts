/** Our signed calls to an a8r v1 aggregator ("GCP"): sessions, demo and free spins; its catalogue is a YAML file. */
import { z } from 'zod';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { a8rFileOf, providerOf } from './a8r-games.ts';
import { a8rSignature, callA8r, isAcknowledged, isAlreadyDone, playerFields } from './a8r-call.ts';
import type { ProviderAccess } from './provider-access.ts';
import {
  callProvider,
  catalogueCall,
  linkAnswer,
  noAnswer,
  readAnswer,
  refusedIfUnknown,
} from './provider-call.ts';
import type { DemoRequest, GameProvider } from './providers.ts';

const link = linkAnswer.nullish();
const launchAnswer = z.object({
  launch_options: z.object({ game_url: link, desktop_url: link, mobile_url: link }),
});

export function createA8rV1Provider(access: ProviderAccess): GameProvider {
  const casino = { casino_id: access.operatorId };
  const launch = async (path: string, request: DemoRequest, fields: object): Promise<Result<string>> => {
    const answer = await callA8r(access, path, { ...casino, ...launchFields(request), ...fields });
    if (!answer.ok) return refusedIfUnknown(answer);
    const launched = readAnswer(launchAnswer, answer.value);
    if (!launched.ok) return launched;
    const { game_url: one, desktop_url: desktop, mobile_url: mobile } = launched.value.launch_options;
    const url = one ?? (request.platform === 'mobile' ? (mobile ?? desktop) : (desktop ?? mobile));
    return url ? succeed(url) : noAnswer();
  };
  return {
    launchUrl: ({ player, ...request }) =>
      launch('/sessions', request, { currency: player.asset, user: playerFields(player) }),
    demoUrl: (request) => launch('/demo', request, {}),
    gameList: () => readCatalogue(access),
    async issueFreeRounds({ issueId, player, games, count, validUntil }) {
      const answer = await callA8r(access, '/freespins/issue', {
        ...casino,
        issue_id: issueId,
        currency: player.asset,
        games,
        freespins_quantity: count,
        valid_until: validUntil,
        user: playerFields(player),
      });
      if (isAlreadyDone(answer)) return succeed(undefined);
      if (!answer.ok) return refusedIfUnknown(answer);
      return isAcknowledged(answer.value) ? succeed(undefined) : noAnswer();
    },
    async cancelFreeRounds({ issueId, games }) {
      const fields = { ...casino, issue_id: issueId, provider: providerOf(games[0] ?? '') };
      const answer = await callA8r(access, '/freespins/cancel', fields);
      if (!answer.ok) return answer;
      return isAcknowledged(answer.value) ? succeed(undefined) : noAnswer();
    },
  };
}

/** A file at an address of its own; signed like everything else, over the empty body. */
async function readCatalogue(access: ProviderAccess) {
  if (access.catalogueUrl === null)
    return fail('provider-refused', 'The integration names no address of the catalogue file.');
  const answer = await callProvider({
    url: access.catalogueUrl,
    method: 'GET',
    headers: { 'x-request-sign': a8rSignature(access, Buffer.alloc(0)) },
    ...catalogueCall,
  });
  if (!answer.ok) return answer;
  if (answer.value.status >= 300)
    return fail('provider-refused', `The catalogue answered with status ${answer.value.status}.`);
  const list = a8rFileOf(answer.value.text);
  return list === null ? noAnswer() : succeed(list);
}

const launchFields = (request: DemoRequest) => ({
  game: request.game,
  locale: request.language,
  ip: request.ip,
  client_type: request.platform,
  urls: { return_url: request.lobbyUrl, deposit_url: request.depositUrl },
});
