/** Whether a withdrawal that a confirmed match held back may be paid all the same, because two people have said so. */
import type { Database, Trx } from '#db/connect.ts';

export async function mayBePaid(db: Database | Trx, withdrawalId: string): Promise<boolean> {
  const row = await db
    .selectFrom('payments.heldMoneyProposal')
    .select('id')
    .where('withdrawalId', '=', withdrawalId)
    .where('decision', '=', 'pay')
    .where('state', '=', 'approved')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
