/** Journals whose fact is committed and not in the ledger's log yet: what a proof must allow for on a live platform. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';

/** In the order in which the log will take them. */
export async function pendingJournals(db: Database | Trx): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with place as (
      select coalesce(max(xid), '0'::xid8) as xid, coalesce(max(last_id), 0) as last_id
      from compliance.relay_cursor where sink = 'ledger-log'
    )
    select (o.payload ->> 'journalId')::uuid as id from compliance.outbox o, place
    where (o.xid, o.id) > (place.xid, place.last_id) and o.type = 'wallet.journal.posted'
      and not exists (select 1 from wallet.log_leaf l where l.journal_id = (o.payload ->> 'journalId')::uuid)
    order by o.xid, o.id`.execute(db);
  return rows.map(({ id }) => id);
}
