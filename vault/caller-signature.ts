/** Who may call the vault's inner routes: a process that knows a shared secret, over the bytes as they came and for a minute. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from './refusal.ts';

/** Covers a slow network and clocks that are a little apart; a repeat within it is the same request to the same PSP. */
const toleranceMs = 60_000;

export type SignedCall = {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
};

/** Several secrets while one replaces another. Throws a `Refusal`: `invalid-signature`, `stale-signature`. */
export function checkCaller(call: SignedCall, secrets: readonly string[], nowMs: number): void {
  const given = /^v1=([0-9a-f]{64})$/.exec(call.signature ?? '')?.[1];
  if (given === undefined || call.timestamp === undefined || !/^\d{13}$/.test(call.timestamp))
    throw new Refusal('invalid-signature', 'The call is not signed.');
  const givenBytes = Buffer.from(given, 'hex');
  const text = `${call.timestamp}.${call.method}.${call.path}.${call.body}`;
  const isKnown = secrets
    .map((secret) => timingSafeEqual(createHmac('sha256', secret).update(text).digest(), givenBytes))
    .includes(true);
  if (!isKnown) throw new Refusal('invalid-signature', 'The signature is not that of a caller we know.');
  if (Math.abs(nowMs - Number(call.timestamp)) > toleranceMs)
    throw new Refusal('stale-signature', 'The call was signed too long ago, or a clock is wrong.');
}
