/** Remembers the first answer to each idempotency key, in the same transaction as what the request did. */
import type { StateStore } from '../support/state-store.ts';

export interface StoredAnswer {
  status: number;
  body: unknown;
}

export type KeyState =
  | { state: 'new' }
  | { state: 'mismatch' }
  | { state: 'in_flight' }
  | { state: 'answered'; answer: StoredAnswer };

export function createIdempotencyBook(store: StateStore) {
  const inFlight = new Set<string>();
  return {
    look(key: string, fingerprint: string): KeyState {
      const row = store.one<{ fingerprint: string; status: number | null; body: string | null }>(
        'select fingerprint, status, body from idempotency where key = ?',
        key,
      );
      if (row === undefined) return { state: inFlight.has(key) ? 'in_flight' : 'new' };
      if (row.fingerprint !== fingerprint) return { state: 'mismatch' };
      if (row.status === null || inFlight.has(key)) return { state: 'in_flight' };
      return {
        state: 'answered',
        answer: { status: row.status, body: JSON.parse(row.body ?? 'null') as unknown },
      };
    },
    /** Without an answer the key counts as in use until `complete`. */
    remember(key: string, fingerprint: string, answer: StoredAnswer | undefined): void {
      store.run(
        'insert into idempotency (key, fingerprint, status, body, created_at_ms) values (?, ?, ?, ?, ?)',
        key,
        fingerprint,
        answer?.status ?? null,
        answer === undefined ? null : JSON.stringify(answer.body),
        Date.now(),
      );
    },
    complete(key: string, answer: StoredAnswer): void {
      store.run(
        'update idempotency set status = ?, body = ? where key = ? and status is null',
        answer.status,
        JSON.stringify(answer.body),
        key,
      );
    },
    /** While a slow request is being answered its key is in use. */
    async hold(key: string, work: () => Promise<void>): Promise<void> {
      inFlight.add(key);
      try {
        await work();
      } finally {
        inFlight.delete(key);
      }
    },
  };
}

export type IdempotencyBook = ReturnType<typeof createIdempotencyBook>;
