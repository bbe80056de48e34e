/**
 * Brings the fraud reports of a deposit to where they stand by what became of its charge. Called in every transaction
 * that ends a refund or moves a dispute, so that none of those has to know what a report is.
 */
import { sql, type Selectable } from 'kysely';
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import type { PaymentsFraudAlert } from '#db/schema.generated.ts';
import {
  fraudAlertStates,
  isFraudAlertOver,
  stepFraudAlert,
  type FraudAlertState,
  type ReportedCharge,
} from '#domain/payments/fraud-alert.ts';
import { openWorkItem } from './commands/work-items.ts';

export type FraudAlertRow = Selectable<PaymentsFraudAlert>;

export function fraudAlertStateOf(row: Pick<FraudAlertRow, 'state'>): FraudAlertState {
  const state = fraudAlertStates.find((known) => known === row.state);
  if (state === undefined) throw new Error(`Invariant broken: fraud alert state ${row.state}`);
  return state;
}

export async function settleFraudAlerts(trx: Trx, depositId: string): Promise<void> {
  const rows = await trx
    .selectFrom('payments.fraudAlert')
    .selectAll()
    .where('depositId', '=', depositId)
    .where('state', 'not in', ['disputed', 'dismissed'])
    .orderBy('id')
    .forUpdate()
    .execute();
  for (const row of rows) {
    const { disputeId, ...charge } = await chargeOf(trx, row);
    const state = stepFraudAlert(fraudAlertStateOf(row), charge);
    if (state === row.state) continue;
    await moveFraudAlert(trx, row, state, {
      deed: { actor: { kind: 'system', id: 'payments' }, subject: `fraud-alert:${row.id}` },
      ...(state === 'disputed' ? { disputeId } : {}),
    });
  }
}

/** Writes a new state with its event and its work item, which no person closes by hand. */
export async function moveFraudAlert(
  trx: Trx,
  row: FraudAlertRow,
  state: FraudAlertState,
  {
    deed,
    ...set
  }: { readonly deed: Deed } & Partial<
    Pick<FraudAlertRow, 'decidedBy' | 'reason' | 'refundId' | 'disputeId'>
  >,
): Promise<FraudAlertRow> {
  const isOver = isFraudAlertOver(state);
  const moved = await trx
    .updateTable('payments.fraudAlert')
    .set({
      ...set,
      state,
      closedAt: isOver ? sql<Date>`now()` : null,
      ...(row.state === 'refunded' && !isOver ? { reopened: row.reopened + 1 } : {}),
    })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'payments.fraud-alert.moved',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: { alertId: row.id, depositId: row.depositId, state, refundId: moved.refundId },
    },
    deed,
  );
  const subject = `fraud-alert:${row.id}`;
  if (isOver)
    await trx
      .updateTable('payments.workItem')
      .set({ closedAt: sql<Date>`now()`, resolution: state })
      .where('subject', '=', subject)
      .where('kind', '=', 'fraud-alert')
      .where('closedAt', 'is', null)
      .execute();
  else if (state === 'open')
    await openWorkItem(trx, {
      kind: 'fraud-alert',
      subject,
      brand: row.brand,
      reason: 'the refund of a reported charge did not happen, or came back',
    });
  return moved;
}

async function chargeOf(
  trx: Trx,
  row: FraudAlertRow,
): Promise<ReportedCharge & { readonly disputeId: string | null }> {
  const { rows } = await sql<{ disputeId: string | null; refundState: string | null; isPaidBack: boolean }>`
    select (select s.id from payments.dispute s where s.deposit_id = d.id and s.stage <> 'inquiry'
        order by s.opened_at, s.id limit 1) as dispute_id,
      (select r.state from payments.refund r where r.id = ${row.refundId}) as refund_state,
      case when coalesce(d.captured_attempt, ${row.attempt}) = ${row.attempt} then d.state = 'captured' and
        coalesce(d.captured_amount, d.amount) <= (select coalesce(sum(r.amount), 0) from payments.refund r
          where r.deposit_id = d.id and r.second_charge is null and r.state = 'paid')
      else exists (select 1 from payments.refund r
          where r.deposit_id = d.id and r.second_charge = ${row.attempt} and r.state = 'paid') end as is_paid_back
    from payments.deposit d where d.id = ${row.depositId}`.execute(trx);
  const found = rows[0];
  if (found === undefined) throw new Error(`Invariant broken: fraud alert ${row.id} without its deposit`);
  return {
    hasChargeback: found.disputeId !== null,
    disputeId: found.disputeId,
    refund: refundOf(found.refundState),
    isPaidBack: found.isPaidBack,
  };
}

function refundOf(state: string | null): ReportedCharge['refund'] {
  if (state === null) return 'none';
  if (state === 'paid') return 'paid';
  return state === 'refused' || state === 'returned' ? 'failed' : 'under-way';
}
