/** Journals read from the ledger in the form that the log commits to. */
import { sql, type RawBuilder } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { JournalLeaf, LeafEntry } from '#domain/wallet/journal-leaf.ts';

export type NumberedLeaf = { readonly index: number; readonly leaf: JournalLeaf };

type Nullable<T> = { [K in keyof T]: undefined extends T[K] ? string | null : T[K] };
type JournalRow = Nullable<Omit<JournalLeaf, 'entries'>> & { place: bigint };
type EntryRow = Nullable<LeafEntry> & { journalId: string };

/** The journals of `ids` in their order; one that does not exist is missing from the answer. */
export const leavesOf = (db: Database | Trx, ids: readonly string[]): Promise<NumberedLeaf[]> =>
  read(db, sql`unnest(${ids}::uuid[]) with ordinality as k(journal_id, place)`);

/** The journals behind the leaves from `first` to `next`, the end excluded, in order of the log. */
export const leavesBetween = (db: Database | Trx, first: number, next: number): Promise<NumberedLeaf[]> =>
  read(
    db,
    sql`(select journal_id, index as place from wallet.log_leaf
         where index >= ${first} and index < ${next} order by index) k`,
  );

async function read(db: Database | Trx, keys: RawBuilder<unknown>): Promise<NumberedLeaf[]> {
  // A lateral probe per key keeps to the primary keys, whatever the planner thinks of the number of keys.
  const { rows: journals } = await sql<JournalRow>`
    select k.place, j.id, j.integration, j.external_id, j.code, j.asset, j.brand, j.player_id, j.amount, j.reverses,
      j.answers, j.round_ref, j.subject, j.call_id, j.details::text as details, encode(j.fingerprint, 'hex') as fingerprint,
      to_char(j.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at
    from ${keys} cross join lateral (select * from wallet.journal w where w.id = k.journal_id limit 1) j
    order by k.place`.execute(db);
  const { rows: entries } = await sql<EntryRow>`
    select e.journal_id, e.line::text as line, e.asset, e.account, e.player_id, e.amount, e.seq::text as seq, e.balance_after,
      encode(e.hash, 'hex') as hash
    from unnest(${journals.map(({ id }) => id)}::uuid[]) as k(journal_id)
    cross join lateral (select * from wallet.entry w where w.journal_id = k.journal_id order by w.line) e`.execute(
    db,
  );
  const byJournal = Map.groupBy(entries, ({ journalId }) => journalId);
  return journals.map((row) => ({
    index: Number(row.place),
    leaf: fromRow(row, byJournal.get(row.id) ?? []),
  }));
}

const fromRow = (row: JournalRow, entries: readonly EntryRow[]): JournalLeaf => ({
  amount: row.amount,
  answers: row.answers ?? undefined,
  asset: row.asset,
  brand: row.brand,
  callId: row.callId ?? undefined,
  code: row.code,
  details: row.details ?? undefined,
  entries: entries
    .map((entry) => ({
      account: entry.account,
      amount: entry.amount,
      asset: entry.asset,
      balanceAfter: entry.balanceAfter ?? undefined,
      hash: entry.hash ?? undefined,
      line: entry.line,
      playerId: entry.playerId ?? undefined,
      seq: entry.seq ?? undefined,
    }))
    .toSorted((left, right) => Number(left.line) - Number(right.line)),
  externalId: row.externalId,
  fingerprint: row.fingerprint,
  id: row.id,
  integration: row.integration,
  occurredAt: row.occurredAt,
  playerId: row.playerId ?? undefined,
  reverses: row.reverses ?? undefined,
  roundRef: row.roundRef ?? undefined,
  subject: row.subject ?? undefined,
});
