/** Proves a message of the odds feed: HMAC-SHA256 over its id, its time and the bytes as they came (Standard Webhooks). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { fail, succeed, type Result } from '#domain/failures.ts';

/** Oldest and newest time of sending that is accepted, in seconds from now. */
export const feedToleranceS = 300;

const signatureForm = /^v1,([A-Za-z0-9+/]{43}=)$/;

/**
 * The message's id. Failures: `invalid-signature` (missing, malformed or not over these bytes), `stale-signature`.
 * `readClockMs` tells the time: a message is not refused because this host's clock is wrong.
 * Several signatures may stand in the header, so that a secret can be changed without a gap.
 */
export async function verifyFeedMessage(
  raw: Buffer,
  headers: Headers,
  secret: string,
  readClockMs: () => Promise<number>,
): Promise<Result<string>> {
  const id = headers.get('webhook-id') ?? '';
  const timestamp = headers.get('webhook-timestamp') ?? '';
  if (!/^[\w.-]{1,128}$/.test(id) || !/^\d{1,12}$/.test(timestamp))
    return fail('invalid-signature', 'The message has no id or no time of sending.');
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(raw).digest();
  const isSigned = (headers.get('webhook-signature') ?? '')
    .slice(0, 1_000)
    .split(' ')
    .some((part) => {
      const given = Buffer.from(signatureForm.exec(part)?.[1] ?? '', 'base64');
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  if (!isSigned) return fail('invalid-signature', 'The signature does not fit the body.');
  // Asked last: who cannot sign costs no query.
  const nowMs = await readClockMs();
  if (Math.abs(nowMs / 1_000 - Number(timestamp)) > feedToleranceS)
    return fail('stale-signature', `The message was not sent within ${feedToleranceS} seconds of now.`);
  return succeed(id);
}
