/** Our signed calls to a Hub88 provider. Its answers are hostile input: they pass a schema before anyone believes them. */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { GameProvider, RoundOutcome } from './providers.ts';

export type Hub88Credentials = {
  /** Base address of the provider, without a trailing slash. */
  readonly baseUrl: string;
  readonly operatorId: string;
  /** PEM of our RSA key. */
  readonly privateKey: string;
};

const callTimeoutMs = 5_000;

const launchAnswer = z.object({ url: z.url() });
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
      }),
    )
    .max(1_000),
});

/** The status and transactions in a `game/round` answer are an extension of the dialect that we ask providers for. */
export function createHub88Provider(credentials: Hub88Credentials): GameProvider {
  const key = createPrivateKey(credentials.privateKey);
  return {
    async launchUrl(request) {
      const answer = await call(credentials, key, 'game/url', {
        operator_id: credentials.operatorId,
        game_code: request.game,
        currency: request.asset,
        country: request.country,
        lang: request.language,
        platform: request.platform,
        lobby_url: request.lobbyUrl,
        deposit_url: request.depositUrl,
        ip: request.ip,
        user: request.playerId,
        token: request.token,
      });
      if (!answer.ok) return answer;
      const parsed = launchAnswer.safeParse(answer.value);
      return parsed.success ? succeed(parsed.data.url) : badAnswer();
    },
    async roundOutcome({ playerId, roundRef }) {
      const answer = await call(credentials, key, 'game/round', {
        operator_id: credentials.operatorId,
        user: playerId,
        round: roundRef,
      });
      if (!answer.ok) return answer;
      const parsed = roundAnswer.safeParse(answer.value);
      return parsed.success ? succeed(toOutcome(parsed.data)) : badAnswer();
    },
  };
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
    })),
  };
}

const badAnswer = (): Result<never> =>
  fail('dependency-unavailable', 'The provider answered with something that is no answer.');

async function call(
  credentials: Hub88Credentials,
  key: KeyObject,
  path: string,
  body: object,
): Promise<Result<unknown>> {
  const bytes = Buffer.from(JSON.stringify(body));
  const signature = sign('RSA-SHA256', bytes, key).toString('base64');
  try {
    const response = await fetch(`${credentials.baseUrl}/operator/generic/v2/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-hub88-signature': signature },
      body: bytes,
      redirect: 'error',
      signal: AbortSignal.timeout(callTimeoutMs),
    });
    if (response.status === 404)
      return fail('transaction-not-found', 'The provider does not know what was asked about.');
    if (!response.ok)
      return fail('dependency-unavailable', `The provider answered with status ${response.status}.`);
    return succeed(await response.json());
  } catch {
    return fail('dependency-unavailable', 'The provider does not answer.');
  }
}
