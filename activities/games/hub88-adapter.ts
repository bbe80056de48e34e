/** Our signed calls in the Hub88 dialect and its Caleta relative, which differ in the header and the demo currency alone. */
import { sign } from 'node:crypto';
import { stringify } from 'lossless-json';
import { z } from 'zod';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { hub88FreeRounds } from './hub88-free-rounds.ts';
import { hub88Game } from './hub88-games.ts';
import type { ProviderAccess } from './provider-access.ts';
import {
  callProvider,
  catalogueCall,
  linkAnswer,
  noAnswer,
  parseAnswer,
  readAnswer,
  refusedIfUnknown,
  saidBy,
  type ProviderAnswer,
} from './provider-call.ts';
import type { DemoRequest, GameList, GameProvider, RoundOutcome } from './providers.ts';

type Flavour = { readonly signatureHeader: string; readonly demoCurrency: string };

const hub88: Flavour = { signatureHeader: 'x-hub88-signature', demoCurrency: 'XXX' };
const caleta: Flavour = { signatureHeader: 'x-auth-signature', demoCurrency: 'FUN' };

/** One call of the operator's API. `transaction-not-found` on 404, `provider-refused` on any other refusal. */
export type OperatorCall = (
  path: string,
  body: object,
  limits?: { readonly timeoutMs: number; readonly answerBytesMax: number },
) => Promise<Result<ProviderAnswer>>;

const gamesMax = 20_000;

const launchAnswer = z.object({ url: linkAnswer });
const amountText = z.union([z.int().min(0).transform(String), z.string().regex(/^\d{1,19}$/)]);
const roundAnswer = z.object({
  status: z.enum(['open', 'finished', 'void']),
  transactions: z
    .array(
      z.object({
        transaction_uuid: z.string().min(1).max(255),
        reference_transaction_uuid: z.string().min(1).max(255).nullish(),
        kind: z.enum(['bet', 'win', 'rollback']),
        amount: amountText,
        jackpot_win: amountText.nullish(),
      }),
    )
    .max(1_000),
});

export const createHub88Provider = (access: ProviderAccess): GameProvider => createProvider(access, hub88);
export const createCaletaProvider = (access: ProviderAccess): GameProvider => createProvider(access, caleta);

function createProvider(access: ProviderAccess, flavour: Flavour): GameProvider {
  const operator = {
    operator_id: access.operatorId,
    ...(access.subPartnerId === null ? {} : { sub_partner_id: access.subPartnerId }),
  };
  const call = callerOf(access, flavour);
  const launch = async (fields: object): Promise<Result<string>> => {
    const answer = await call('game/url', { ...operator, ...fields });
    if (!answer.ok) return refusedIfUnknown(answer);
    const launched = readAnswer(launchAnswer, answer.value);
    return launched.ok ? succeed(launched.value.url) : launched;
  };
  return {
    launchUrl: ({ player, token, ...request }) =>
      launch({ ...launchFields(request), currency: player.asset, user: player.playerId, token }),
    demoUrl: (request) => launch({ ...launchFields(request), currency: flavour.demoCurrency }),
    async gameList() {
      const answer = await call('game/list', { operator_id: access.operatorId }, catalogueCall);
      return answer.ok ? readList(answer.value) : refusedIfUnknown(answer);
    },
    async replayUrl({ playerId, roundRef }) {
      const answer = await call('game/round', { ...operator, user: playerId, round: roundRef });
      if (!answer.ok) return answer;
      const replay = readAnswer(launchAnswer, answer.value);
      return replay.ok ? succeed(replay.value.url) : replay;
    },
    /** The status and transactions in a `game/round` answer are an extension of the dialect that we ask providers for. */
    async roundOutcome({ playerId, roundRef }) {
      const answer = await call('game/round', { ...operator, user: playerId, round: roundRef });
      if (!answer.ok) return answer;
      const round = readAnswer(roundAnswer, answer.value);
      return round.ok ? succeed(toOutcome(round.value)) : round;
    },
    ...hub88FreeRounds(access, call),
  };
}

const launchFields = (request: DemoRequest) => ({
  game_code: request.game,
  country: request.country,
  lang: request.language,
  platform: request.platform === 'mobile' ? 'GPL_MOBILE' : 'GPL_DESKTOP',
  lobby_url: request.lobbyUrl,
  deposit_url: request.depositUrl,
  ip: request.ip,
});

function callerOf(access: ProviderAccess, flavour: Flavour): OperatorCall {
  return async (path, body, limits) => {
    const bytes = Buffer.from(stringify(body) ?? '');
    const answer = await callProvider({
      url: `${access.baseUrl}/operator/generic/v2/${path}`,
      body: bytes,
      headers: {
        [flavour.signatureHeader]: sign('RSA-SHA256', bytes, access.signingKey).toString('base64'),
      },
      ...limits,
    });
    if (!answer.ok || answer.value.status < 300) return answer;
    if (answer.value.status === 404)
      return fail('transaction-not-found', 'The provider does not know what was asked about.');
    return fail('provider-refused', `The provider refused: ${saidBy(answer.value.text)}`);
  };
}

function readList({ text }: ProviderAnswer): Result<GameList> {
  const list = z.array(z.unknown()).max(gamesMax).safeParse(parseAnswer(text));
  if (!list.success) return noAnswer();
  const games = list.data.map(hub88Game);
  return succeed({
    games: games.filter((game) => game !== null),
    unreadable: games.filter((game) => game === null).length,
  });
}

function toOutcome(answer: z.infer<typeof roundAnswer>): RoundOutcome {
  if (answer.status !== 'finished') return { state: answer.status };
  return {
    state: 'finished',
    transactions: answer.transactions.map((transaction) => ({
      externalId: transaction.transaction_uuid,
      referenceExternalId: transaction.reference_transaction_uuid ?? null,
      kind: transaction.kind,
      wireAmount: transaction.amount,
      jackpotWireAmount: transaction.jackpot_win ?? null,
    })),
  };
}
