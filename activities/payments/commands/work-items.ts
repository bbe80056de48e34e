/** Opens and closes what a person must look at, in the caller's transaction. */
import { sql } from 'kysely';
import type { Trx, Database } from '#db/connect.ts';
import type { WorkItemKind } from '#domain/payments/work-items.ts';

/** One open item per kind and subject; opening it again changes nothing. */
export async function openWorkItem(
  db: Database | Trx,
  item: {
    /** Where the caller wants to name it; else the database does. */
    readonly id?: string;
    readonly kind: WorkItemKind;
    readonly subject: string;
    readonly brand: string | null;
    readonly reason: string;
  },
): Promise<void> {
  await db
    .insertInto('payments.workItem')
    .values(item)
    .onConflict((conflict) => conflict.columns(['kind', 'subject']).where('closedAt', 'is', null).doNothing())
    .execute();
}

/** Closes what has resolved itself; items that a person owns stay with that person. */
export async function closeWorkItems(
  trx: Trx,
  subject: string,
  kinds: readonly WorkItemKind[],
  resolution: string,
): Promise<void> {
  await trx
    .updateTable('payments.workItem')
    .set({ closedAt: sql<Date>`now()`, resolution })
    .where('subject', '=', subject)
    .where('kind', 'in', [...kinds])
    .where('closedAt', 'is', null)
    .where('owner', 'is', null)
    .execute();
}
