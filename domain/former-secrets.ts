/**
 * Webhook secrets while they are rotated: the current one, and former ones that others still sign with until a day that
 * was set. A former secret that has ended proves nothing new.
 */
import { fail, type Failure, type Result } from './failures.ts';

export type FormerSecret = {
  /** What people call it; told in logs, so that they see whether somebody still signs with it. */
  readonly name: string;
  readonly secret: string;
  /** ISO 8601, with its zone. */
  readonly validUntil: string;
};

/** A rotation has two: whoever needs a third has not ended the one before. */
export const activeSecretsMax = 2;

export type Verified<T> = { readonly value: T; readonly formerSecret: string | null };

/**
 * Tries the current secret and then each former one that has not ended. A signature that fits and is too old is told as
 * such, whichever secret it fits.
 */
export function verifyWithAny<T>(
  secrets: { readonly current: string; readonly former?: readonly FormerSecret[] | undefined },
  nowMs: number,
  verify: (secret: string) => Result<T>,
): Result<Verified<T>> {
  const active = [
    { secret: secrets.current, name: null },
    ...(secrets.former ?? []).filter(({ validUntil }) => Date.parse(validUntil) > nowMs),
  ];
  let refused: { readonly ok: false; readonly failure: Failure } = fail(
    'invalid-signature',
    'The signature does not fit the body.',
  );
  for (const { secret, name } of active) {
    const verified = verify(secret);
    if (verified.ok) return { ok: true, value: { value: verified.value, formerSecret: name } };
    if (refused.failure.code !== 'stale-signature') refused = verified;
  }
  return refused;
}
