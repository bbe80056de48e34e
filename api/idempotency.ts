/** Idempotency keys of callers, turned into ids of ours, so that a repeat meets the same row and not a second effect. */
import { createHash } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { takeKey, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import type { Database, Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';

/** Declares the header on a route; the schema refuses a missing or malformed key. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{8,255}$/, 'must be 8 to 255 visible ASCII characters')
    .openapi({
      description: 'One value per intent; a repeat answers with the first result.',
      example: 'deposit-2026-0001',
    }),
});

/**
 * A UUID (version 8) that is a function of scope, owner and key: two calls with one key meet in one row,
 * whichever process they reach.
 */
export function idFromKey(scope: string, ownerId: string, key: string): string {
  const hash = createHash('sha256').update(`${scope}\n${ownerId}\n${key}`).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Fingerprint of a request's meaning; the same key with another fingerprint is `idempotency-key-reused`. */
export function requestFingerprint(value: unknown): Buffer {
  return createHash('sha256').update(canonicalJson(value)).digest();
}

/** The key of an act on what is there already; `said` is all that the call means, the address included. */
export const actKeyOf = (scope: string, ownerId: string, key: string, said: unknown) => ({
  id: idFromKey(scope, ownerId, key),
  fingerprint: requestFingerprint(said),
});

/**
 * Binds a key to what was said with it, before an act that its row or its workflow carries out once by itself. A call
 * that is refused afterwards keeps its key. Failure: `idempotency-key-reused`.
 */
export async function bindKey(on: Database | Trx, key: ActKey): Promise<void> {
  orThrow(await takeKey(on, key));
}

/** JSON with sorted keys, so that equal meanings have equal bytes. */
function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const pairs = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${pairs.join(',')}}`;
}
