/** The first word about a dispute makes its row; who has a row has a workflow that asks the PSP. */
import type { Selectable } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import type { PaymentsDispute } from '#db/schema.generated.ts';

export type DisputeRow = Selectable<PaymentsDispute>;

/** What the workflow of a dispute is started with; `reopened` counts the runs after its end. */
export const disputeInputOf = (row: DisputeRow, reopened: number) => ({
  disputeId: row.id,
  psp: row.psp,
  pspReference: row.pspReference,
  reopened,
  playerId: row.playerId,
  brand: row.brand,
  jurisdiction: row.jurisdiction,
});

/**
 * The dispute that a verified notice speaks of, made when it is new; null when its charge is not ours. The charge is
 * found by the PSP's own name of it, because a dispute need not repeat our reference.
 */
export async function recordDispute(
  db: Database,
  psp: string,
  dispute: { readonly pspReference: string; readonly chargeReference: string },
): Promise<DisputeRow | null> {
  return db.transaction().execute(async (trx) => {
    const known = await findDispute(trx, psp, dispute.pspReference);
    if (known !== null) return known;
    const deposit = await trx
      .selectFrom('payments.attempt')
      .innerJoin('payments.deposit', 'payments.deposit.id', 'payments.attempt.depositId')
      .select([
        'payments.deposit.id',
        'payments.deposit.playerId',
        'payments.deposit.brand',
        'payments.deposit.jurisdiction',
      ])
      .where('payments.attempt.psp', '=', psp)
      .where('payments.attempt.pspReference', '=', dispute.chargeReference)
      .executeTakeFirst();
    if (deposit === undefined) return null;
    const { id: depositId, playerId, brand, jurisdiction } = deposit;
    const made = await trx
      .insertInto('payments.dispute')
      .values({ psp, pspReference: dispute.pspReference, depositId, playerId, brand, jurisdiction })
      .onConflict((conflict) => conflict.columns(['psp', 'pspReference']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (made === undefined) return findDispute(trx, psp, dispute.pspReference);
    await appendEvent(
      trx,
      {
        type: 'payments.dispute.opened',
        version: 1,
        brand,
        playerId,
        payload: { disputeId: made.id, depositId, psp },
      },
      { actor: { kind: 'system', id: 'webhook' }, subject: `dispute:${made.id}` },
    );
    return made;
  });
}

async function findDispute(trx: Trx, psp: string, pspReference: string): Promise<DisputeRow | null> {
  const row = await trx
    .selectFrom('payments.dispute')
    .selectAll()
    .where('psp', '=', psp)
    .where('pspReference', '=', pspReference)
    .executeTakeFirst();
  return row ?? null;
}
