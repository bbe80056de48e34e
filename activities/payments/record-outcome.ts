/** Writes what a PSP said about an attempt: monotonic, with its event, and with the deposit's state beside it. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { applyOutcome, isResolved, type AttemptState } from '#domain/payments/attempt-state.ts';
import { declineTableVersion, type DeclineClass } from '#domain/payments/decline-class.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { orThrow } from '#domain/failures.ts';
import { toUnits } from '#domain/money.ts';
import { attemptStateOf, declineClassOf, lockDeposit, type AttemptRow } from './payment-rows.ts';
import { openWorkItem } from './commands/work-items.ts';

/** An attempt as workflows know it. */
export type AttemptView = {
  readonly number: number;
  readonly psp: string;
  readonly state: AttemptState;
  readonly declineClass: DeclineClass | null;
  readonly stepUp: boolean;
  readonly actionUrl: string | null;
};

export const viewOf = (row: AttemptRow): AttemptView => ({
  number: row.number,
  psp: row.psp,
  state: attemptStateOf(row),
  declineClass: declineClassOf(row),
  stepUp: row.stepUp,
  actionUrl: row.state === 'action' ? row.actionUrl : null,
});

/** Applies `outcome` to the attempt under its deposit's lock and gives the row as it is afterwards. */
export async function recordOutcome(
  db: Database,
  depositId: string,
  number: number,
  outcome: PspOutcome,
): Promise<AttemptView> {
  return db.transaction().execute(async (trx) => {
    const deposit = await lockDeposit(trx, depositId);
    const row = await lockAttempt(trx, depositId, number);
    const before = attemptStateOf(row);
    const after = applyOutcome(before, outcome);
    const updated = await trx
      .updateTable('payments.attempt')
      .set({
        state: after,
        ...(isResolved(after) && !isResolved(before) ? { resolvedAt: sql<Date>`now()` } : {}),
        ...('pspReference' in outcome && outcome.pspReference !== null
          ? { pspReference: outcome.pspReference }
          : {}),
        ...(after !== before ? detailsOf(after, outcome) : {}),
      })
      .where('depositId', '=', depositId)
      .where('number', '=', number)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (after !== before) {
      await followDeposit(trx, depositId, deposit.state, after);
      if (isResolved(after)) await appendResolution(trx, deposit, updated);
      if (after === 'late_approved') {
        await openWorkItem(trx, {
          kind: 'late-approval',
          subject: `deposit:${depositId}`,
          brand: deposit.brand,
          reason: `attempt ${number} at ${row.psp} was closed as ${before} and took money afterwards`,
        });
      }
    }
    return viewOf(updated);
  });
}

export async function lockAttempt(trx: Trx, depositId: string, number: number): Promise<AttemptRow> {
  return trx
    .selectFrom('payments.attempt')
    .selectAll()
    .where('depositId', '=', depositId)
    .where('number', '=', number)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

function detailsOf(after: AttemptState, outcome: PspOutcome) {
  if ((after === 'approved' || after === 'late_approved') && outcome.kind === 'approved') {
    return {
      processedAsset: outcome.processed.asset,
      processedAmount: orThrow(toUnits(outcome.processed)).toString(),
      instrument: JSON.stringify(outcome.instrument),
    };
  }
  switch (outcome.kind) {
    case 'declined':
      return {
        declineClass: outcome.declineClass,
        rawCode: outcome.rawCode.slice(0, 100),
        networkCode: outcome.networkCode,
      };
    case 'action':
      return { actionUrl: outcome.url };
    case 'not_sent':
    case 'unknown':
      return { rawCode: outcome.reason.slice(0, 100) };
    default:
      return {};
  }
}

/** The deposit waits for the player exactly while an attempt does. */
async function followDeposit(
  trx: Trx,
  depositId: string,
  depositState: string,
  attempt: AttemptState,
): Promise<void> {
  const state = attempt === 'action' ? 'awaiting-action' : 'processing';
  const from =
    attempt === 'action' ? ['requested', 'processing', 'parked'] : ['requested', 'awaiting-action'];
  if (!from.includes(depositState)) return;
  if (depositState === 'requested' && state === 'awaiting-action') {
    await trx
      .updateTable('payments.deposit')
      .set({ state: 'processing' })
      .where('id', '=', depositId)
      .execute();
  }
  await trx.updateTable('payments.deposit').set({ state }).where('id', '=', depositId).execute();
}

async function appendResolution(
  trx: Trx,
  deposit: { readonly id: string; readonly brand: string; readonly playerId: string },
  attempt: AttemptRow,
): Promise<void> {
  await appendEvent(
    trx,
    {
      type: 'payments.attempt.resolved',
      version: 1,
      brand: deposit.brand,
      playerId: deposit.playerId,
      payload: {
        subject: `deposit:${deposit.id}`,
        attempt: attempt.number,
        psp: attempt.psp,
        outcome: attempt.state,
        declineClass: attempt.declineClass,
        declineTableVersion,
      },
    },
    { actor: { kind: 'workflow', id: `deposit:${deposit.id}` }, subject: `deposit:${deposit.id}` },
  );
}
