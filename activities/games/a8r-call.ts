/** What both a8r versions share when we call: HMAC over the raw body, and who the player is. */
import { createHmac } from 'node:crypto';
import { stringify } from 'lossless-json';
import { z } from 'zod';
import { fail, type Result } from '#domain/failures.ts';
import type { ProviderAccess } from './provider-access.ts';
import { callProvider, parseAnswer, saidBy, type ProviderAnswer } from './provider-call.ts';
import type { PlayerCard } from './providers.ts';

export type A8rLimits = { readonly timeoutMs: number; readonly answerBytesMax: number };

/** A signed POST. Any status from 300 on is `provider-refused`; `transaction-not-found` where it says "not found". */
export async function callA8r(
  access: ProviderAccess,
  path: string,
  body: object,
  limits?: A8rLimits,
): Promise<Result<ProviderAnswer>> {
  const bytes = Buffer.from(stringify(body) ?? '');
  const answer = await callProvider({
    url: `${access.baseUrl}${path}`,
    body: bytes,
    headers: { 'x-request-sign': a8rSignature(access, bytes) },
    ...limits,
  });
  return answer.ok && answer.value.status >= 300 ? refusalOf(answer.value) : answer;
}

export const a8rSignature = ({ signingKey }: ProviderAccess, bytes: Buffer): string =>
  createHmac('sha256', signingKey).update(bytes).digest('hex');

/** v1 says "not found" inside a 412, v2 in Twirp's words. */
const notFound = z.object({ code: z.union([z.literal(404), z.literal('not_found')]) });

function refusalOf({ status, text }: ProviderAnswer): Result<never> {
  if (status === 404 || notFound.safeParse(parseAnswer(text)).success)
    return fail('transaction-not-found', 'The aggregator does not know what was asked about.');
  return fail('provider-refused', `The aggregator refused: ${saidBy(text)}`);
}

/** True when a refusal of this text says that the id was used before, which for a repeat of ours means done. */
export function isAlreadyDone(result: Result<ProviderAnswer>): boolean {
  return (
    !result.ok && result.failure.code === 'provider-refused' && /already_exists/.test(result.failure.detail)
  );
}

/** True for an answer that a JSON call may have: an object, or nothing at all. */
export const isAcknowledged = ({ text }: ProviderAnswer): boolean => {
  if (text.trim() === '') return true;
  const value = parseAnswer(text);
  return typeof value === 'object' && value !== null;
};

/** The player's own fields; a nickname always, since lobbies of live games show one. */
export const playerFields = ({ playerId, country, registeredOn, personal }: PlayerCard) => ({
  id: playerId,
  country,
  registered_at: registeredOn,
  nickname: `player-${playerId.slice(0, 8)}`,
  ...(personal === null
    ? {}
    : {
        firstname: personal.firstName,
        lastname: personal.lastName,
        date_of_birth: personal.dateOfBirth,
      }),
});
