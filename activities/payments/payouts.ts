/** Sends an approved withdrawal to a PSP. As with charges: row first, claimed before the call, asked about afterwards. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import { declineTableVersion, type DeclineClass } from '#domain/payments/decline-class.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { assert, fail, FailureError, orThrow } from '#domain/failures.ts';
import { toUnits } from '#domain/money.ts';
import {
  applyPayoutOutcome,
  isPayoutResolved,
  payoutStateOf,
  type PayoutState,
} from '#domain/payments/payout-state.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { lockWithdrawal, optionsOf, sentForMs, type PayoutAttemptRow } from './payment-rows.ts';
import { nextPayout } from '#domain/payments/payout-cascade.ts';
import { legOfNumber, payoutReference } from '#domain/payments/reference.ts';
import { isWithdrawalStopped, refuseWhileStopped } from '#activities/wallet/audit/withdrawal-stop.ts';
import type { ActivityDeps } from '../deps.ts';
import { openWorkItem } from './commands/work-items.ts';
import { payoutCall } from './payout-calls.ts';
import { unlessOvertaken } from './queued-payouts.ts';
import { payoutOptions, readPayoutRouting } from './route-payout.ts';
import { mustLeg } from './withdrawal-legs.ts';

export type PayoutInput = { readonly withdrawalId: string; readonly number: number };

export type PayoutView = {
  readonly number: number;
  readonly psp: string;
  readonly state: PayoutState;
  /** A later attempt follows, or may: always after a decline of an older build that had gone on. Missing in old answers. */
  readonly hasNext?: boolean;
};

export type PayoutDeps = Pick<ActivityDeps, 'db' | 'psps' | 'log'>;

const viewOf = (row: PayoutAttemptRow): PayoutView => ({
  number: row.number,
  psp: row.psp,
  state: payoutStateOf(row.state),
});

export function createPayoutActivities(deps: PayoutDeps) {
  const { db } = deps;

  const readAttempt = (input: PayoutInput) => mustAttempt(db, input);

  const closeUnsent = (input: PayoutInput, rawCode: string): Promise<PayoutAttemptRow | undefined> =>
    db
      .updateTable('payments.payoutAttempt')
      .set({ state: 'not_sent', rawCode, resolvedAt: sql<Date>`now()` })
      .where('withdrawalId', '=', input.withdrawalId)
      .where('number', '=', input.number)
      .where('sentAt', 'is', null)
      .where('state', '=', 'started')
      .returningAll()
      .executeTakeFirst();

  const heard = async (row: PayoutAttemptRow, outcome: PspOutcome): Promise<PayoutView> => {
    deps.log.info({ reference: row.reference, psp: row.psp, outcome: outcome.kind }, 'psp answered');
    return db.transaction().execute((trx) => record(trx, row, outcome));
  };

  return {
    /**
     * Refused with `withdrawals-stopped`, which passes, while an audit has stopped withdrawals: the workflow asks again;
     * with `withdrawal-not-pending` once the player has taken it back. Writes the attempt's row and key at the PSP whose
     * turn it is, and marks the withdrawal as submitted: from here on it cannot be cancelled.
     */
    async startPayout(input: PayoutInput): Promise<PayoutView> {
      const routing = await readPayoutRouting(db, input.withdrawalId, deps.psps);
      return db.transaction().execute(async (trx) => {
        const withdrawal = await lockWithdrawal(trx, input.withdrawalId);
        if (!(await wasSent(trx, input))) await refuseWhileStopped(trx);
        const known = await findAttempt(trx, input);
        if (known !== undefined) return viewOf(known);
        if (withdrawal.closedAt !== null)
          throw new FailureError(
            fail('withdrawal-not-pending', `The withdrawal is ${withdrawal.state}.`).failure,
          );
        const leg = await mustLeg(trx, withdrawal.id, legOfNumber(input.number));
        const options = await payoutOptions(trx, withdrawal, leg, routing);
        const next = nextPayout(options, await triesOf(trx, withdrawal.id, leg.leg));
        assert(next !== null, `leg ${leg.leg} of withdrawal ${withdrawal.id} has a PSP to go to`);
        const { psp } = next;
        await trx
          .insertInto('payments.payoutAttempt')
          .values({ ...input, ...next, reference: payoutReference(input.withdrawalId, input.number) })
          .execute();
        if (withdrawal.state === 'approved') {
          await trx
            .updateTable('payments.withdrawal')
            .set({ state: 'submitted' })
            .where('id', '=', withdrawal.id)
            .execute();
          await appendEvent(
            trx,
            {
              type: 'payments.withdrawal.submitted',
              version: 1,
              brand: withdrawal.brand,
              playerId: withdrawal.playerId,
              payload: { withdrawalId: withdrawal.id, psp },
            },
            {
              actor: { kind: 'workflow', id: `withdrawal:${withdrawal.id}` },
              subject: `withdrawal:${withdrawal.id}`,
            },
          );
        }
        return viewOf(await mustAttempt(trx, input));
      });
    },

    /** Sends the payout, once. Called again, it tells how the attempt stands and sends nothing. */
    async sendPayout(input: PayoutInput): Promise<PayoutView> {
      const claimed = await db
        .updateTable('payments.payoutAttempt')
        .set({ sentAt: sql<Date>`now()` })
        .where('withdrawalId', '=', input.withdrawalId)
        .where('number', '=', input.number)
        .where('state', '=', 'started')
        .where('sentAt', 'is', null)
        .where(sql<boolean>`not exists (select 1 from wallet.withdrawal_stop where lifted_at is null)`)
        .returningAll()
        .executeTakeFirst();
      if (claimed === undefined) {
        const withheld = (await isWithdrawalStopped(db))
          ? await closeUnsent(input, 'withdrawals-stopped')
          : undefined;
        if (withheld !== undefined) return viewOf(withheld);
        const known = await readAttempt(input);
        return known.state === 'started'
          ? heard(known, { kind: 'unknown', reason: 'sent before' })
          : { ...viewOf(known), hasNext: await hasNext(db, known) };
      }
      const connector = deps.psps.get(claimed.psp);
      if (!connector) return heard(claimed, { kind: 'not_sent', reason: 'no such connector' });
      return heard(claimed, await (await payoutCall(db, claimed, 0)).send(connector));
    },

    /** Asks for the status by our own reference. */
    async refreshPayout(input: PayoutInput): Promise<PayoutView> {
      const row = await readAttempt(input);
      if (row.state === 'paid' || row.state === 'late_paid') return viewOf(row);
      if (row.sentAt === null) {
        const closed = await closeUnsent(input, 'never sent');
        return viewOf(closed ?? (await readAttempt(input)));
      }
      const connector = deps.psps.get(row.psp);
      if (!connector) return heard(row, { kind: 'unknown', reason: 'no such connector' });
      const outcome = await (await payoutCall(db, row, row.sentForMs)).ask(connector);
      return unlessOvertaken(
        () => heard(row, outcome),
        () => heard(row, { kind: 'unknown', reason: 'overtaken by its queue' }),
      );
    },
  };
}

const findAttempt = (trx: Database | Trx, input: PayoutInput) =>
  trx
    .selectFrom('payments.payoutAttempt')
    .selectAll()
    .select(sentForMs.as('sentForMs'))
    .where('withdrawalId', '=', input.withdrawalId)
    .where('number', '=', input.number)
    .executeTakeFirst();

async function mustAttempt(trx: Database | Trx, input: PayoutInput) {
  const row = await findAttempt(trx, input);
  assert(row !== undefined, `withdrawal ${input.withdrawalId} has a payout ${input.number}`);
  return row;
}

async function triesOf(trx: Database | Trx, withdrawalId: string, leg: number) {
  const rows = await trx
    .selectFrom('payments.payoutAttempt')
    .select(['psp', 'state'])
    .where('withdrawalId', '=', withdrawalId)
    .where('leg', '=', leg)
    .orderBy('number')
    .execute();
  return rows.map(({ psp, state }) => ({ psp, state: payoutStateOf(state) }));
}

/** Whether a leg whose last attempt has proven that nothing was paid can be offered elsewhere. */
async function hasNext(trx: Database | Trx, row: PayoutAttemptRow): Promise<boolean> {
  if (row.state !== 'declined' && row.state !== 'not_sent') return false;
  const later = await trx
    .selectFrom('payments.payoutAttempt')
    .select('number')
    .where('withdrawalId', '=', row.withdrawalId)
    .where('leg', '=', row.leg)
    .where('number', '>', row.number)
    .executeTakeFirst();
  // A workflow that lost its history walks over what was tried before.
  if (later !== undefined) return true;
  const decided = await trx
    .selectFrom('payments.payoutRoutingDecision')
    .select('options')
    .where('withdrawalId', '=', row.withdrawalId)
    .where('leg', '=', row.leg)
    .executeTakeFirst();
  const options = decided === undefined ? [] : optionsOf({ options: decided.options });
  return nextPayout(options, await triesOf(trx, row.withdrawalId, row.leg)) !== null;
}

/** What is on its way already is followed to its end, stop or not. */
async function wasSent(trx: Trx, input: PayoutInput): Promise<boolean> {
  const sent = await trx
    .selectFrom('payments.payoutAttempt')
    .select('number')
    .where('withdrawalId', '=', input.withdrawalId)
    .where('number', '=', input.number)
    .where('sentAt', 'is not', null)
    .executeTakeFirst();
  return sent !== undefined;
}

async function record(trx: Trx, known: PayoutAttemptRow, outcome: PspOutcome): Promise<PayoutView> {
  const withdrawal = await lockWithdrawal(trx, known.withdrawalId);
  const row = await mustAttempt(trx, known);
  const before = payoutStateOf(row.state);
  const after = applyPayoutOutcome(before, outcome);
  const updated = await trx
    .updateTable('payments.payoutAttempt')
    .set({
      state: after,
      ...(isPayoutResolved(after) && !isPayoutResolved(before) ? { resolvedAt: sql<Date>`now()` } : {}),
      ...('pspReference' in outcome && outcome.pspReference !== null
        ? { pspReference: outcome.pspReference }
        : {}),
      ...(after !== before && outcome.kind === 'approved'
        ? {
            processedAsset: outcome.processed.asset,
            processedAmount: orThrow(toUnits(outcome.processed)).toString(),
          }
        : {}),
      ...(after !== before ? { rawCode: rawCodeOf(outcome), declineClass: classOf(outcome) } : {}),
    })
    .where('withdrawalId', '=', row.withdrawalId)
    .where('number', '=', row.number)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (after !== before && isPayoutResolved(after)) {
    await appendEvent(
      trx,
      {
        type: 'payments.attempt.resolved',
        version: 1,
        brand: withdrawal.brand,
        playerId: withdrawal.playerId,
        payload: {
          subject: `withdrawal:${withdrawal.id}`,
          attempt: row.number,
          psp: row.psp,
          outcome: after,
          declineClass: classOf(outcome),
          declineTableVersion,
        },
      },
      {
        actor: { kind: 'workflow', id: `withdrawal:${withdrawal.id}` },
        subject: `withdrawal:${withdrawal.id}`,
      },
    );
  }
  if (after !== before && after === 'late_paid') {
    await openWorkItem(trx, {
      kind: 'late-approval',
      subject: `withdrawal:${withdrawal.id}`,
      brand: withdrawal.brand,
      reason: `payout ${row.number} at ${row.psp} was closed as ${before} and was paid afterwards`,
    });
  }
  return { ...viewOf(updated), hasNext: await hasNext(trx, updated) };
}

const classOf = (outcome: PspOutcome): DeclineClass | null =>
  outcome.kind === 'declined' ? outcome.declineClass : null;

function rawCodeOf(outcome: PspOutcome): string | null {
  if (outcome.kind === 'declined') return outcome.rawCode.slice(0, 100);
  return outcome.kind === 'unknown' || outcome.kind === 'not_sent' ? outcome.reason.slice(0, 100) : null;
}
