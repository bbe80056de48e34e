/** Which withdrawals that a confirmed match held back may be paid all the same, because two people have said so. */
import type { Database, Trx } from '#db/connect.ts';

export async function allowedAmong(
  db: Database | Trx,
  withdrawalIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (withdrawalIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('payments.heldMoneyProposal')
    .select('withdrawalId')
    .where('withdrawalId', 'in', [...withdrawalIds])
    .where('decision', '=', 'pay')
    .where('state', '=', 'approved')
    .execute();
  return new Set(rows.map(({ withdrawalId }) => withdrawalId));
}

export const mayBePaid = async (trx: Trx, withdrawalId: string): Promise<boolean> =>
  (await allowedAmong(trx, [withdrawalId])).has(withdrawalId);
