/**
 * A withdrawal: the money is held from the request on, and leaves the hold only to PSPs or back to the player. Its legs
 * are paid side by side, each by itself: one that hangs keeps its own share of the hold and no other.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  patched,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createPayoutActivities, PayoutView } from '#activities/payments/payouts.ts';
import type {
  CheckedWithdrawal,
  createWithdrawalCheckActivities,
} from '#activities/payments/withdrawal-checks.ts';
import type { createScreeningActivities } from '#activities/payments/withdrawal-screening.ts';
import type { createWithdrawalActivities } from '#activities/payments/withdrawal-outcomes.ts';
import type { createRiskActivities } from '#activities/risk/assess-withdrawal.ts';
import {
  answerWithinMs,
  outcomeBudgetMs,
  payoutAttemptsMax,
  payoutPollMsMax,
  pollPauseMs,
  unknownBudgetMs,
} from '#domain/payments/budgets.ts';
import { isPayoutResolved } from '#domain/payments/payout-state.ts';
import { payoutNumber } from '#domain/payments/reference.ts';
import {
  tallyDecisions,
  withRisk,
  type Decision,
  type WithdrawalState,
} from '#domain/payments/withdrawal-decision.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { refuse, unwrapped } from './expected-failures.ts';
import { insist } from './insist.ts';
import { riskAskedAgain, withdrawalScreened } from './patches.ts';
import { database, provider, providerOnce } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';
import {
  beginWithdrawal,
  cancelWithdrawal,
  decideWithdrawal,
  getWithdrawal,
  payoutNotified,
  screeningDecided,
  type WithdrawalInput,
  type WithdrawalView,
} from './withdrawal.contract.ts';

const { checkWithdrawal, askForApproval, recordApproval, approveWithdrawal } = proxyActivities<
  ReturnType<typeof createWithdrawalCheckActivities>
>({ ...database, taskQueue: taskQueues.money });
const { settleWithdrawal, failLeg, releaseWithdrawal, parkWithdrawal } = proxyActivities<
  ReturnType<typeof createWithdrawalActivities>
>({ ...database, taskQueue: taskQueues.money });
const { assessWithdrawal } = proxyActivities<ReturnType<typeof createRiskActivities>>({
  ...database,
  taskQueue: taskQueues.money,
});
const { startPayout } = proxyActivities<ReturnType<typeof createPayoutActivities>>({
  ...database,
  taskQueue: taskQueues.provider,
});
const { sendPayout } = proxyActivities<ReturnType<typeof createPayoutActivities>>({
  ...providerOnce,
  taskQueue: taskQueues.provider,
});
const { refreshPayout } = proxyActivities<ReturnType<typeof createPayoutActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

const { screenWithdrawal } = proxyActivities<ReturnType<typeof createScreeningActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

/** A match is for a person; the row is looked at now and then in case nobody told. */
const hitPauseMs = 6 * 3_600_000;
const screeningPauseMsMax = 30 * 60_000;

/** The database keeps fifty attempts; between them the pause grows to an hour. */
const payoutAttemptsEver = 50;
const offerPauseMsMax = 3_600_000;
const parkedPollMsMax = 24 * 3_600_000;

export async function withdrawal(input: WithdrawalInput): Promise<WithdrawalView> {
  const { withdrawalId } = input;
  const decisions: Decision[] = [];
  /** Operators whose decision is being written right now. */
  const deciding = new Set<string>();
  let state: WithdrawalState = 'requested';
  let approvalsRequired: number | null = null;
  let cancellable = false;
  let payloadHash = '';
  let isCancelWanted = false;
  let isChecked = false;
  let pokes = 0;
  let screeningPokes = 0;
  /** Null in runs that began before withdrawals had legs. */
  let legs: CheckedWithdrawal['legs'] | null = null;

  const view = (): WithdrawalView => ({
    withdrawalId,
    state,
    approvals: decisions.filter(({ decision }) => decision === 'approve').length,
    approvalsRequired,
    isCancellable: mayCancel(),
  });

  setHandler(getWithdrawal, view);
  setHandler(payoutNotified, () => {
    pokes += 1;
  });
  setHandler(screeningDecided, () => {
    screeningPokes += 1;
  });
  setHandler(beginWithdrawal, async () => {
    await condition(() => isChecked, answerWithinMs);
    return view();
  });
  setHandler(
    decideWithdrawal,
    async (decision) => {
      deciding.add(decision.operatorId);
      try {
        await recordApproval({ withdrawalId, ...decision });
        decisions.push({ operatorId: decision.operatorId, decision: decision.decision });
      } catch (error) {
        throw unwrapped(error);
      } finally {
        deciding.delete(decision.operatorId);
      }
      return view();
    },
    {
      validator: ({ operatorId, payloadHash: shown }) => {
        if (state !== 'awaiting-approval' || isCancelWanted)
          throw refuse('withdrawal-not-pending', `The withdrawal is ${state}.`);
        if (deciding.has(operatorId) || decisions.some((known) => known.operatorId === operatorId)) {
          throw refuse('already-decided', 'This operator has decided before.');
        }
        if (shown !== payloadHash)
          throw refuse('withdrawal-not-pending', 'The withdrawal is not the one that was shown.');
      },
    },
  );
  setHandler(
    cancelWithdrawal,
    async () => {
      isCancelWanted = true;
      // Nothing waits for the wish any more: the hold is given back here, unless a payout was faster.
      if (state === 'approved') await takeBack();
      await condition(() => state === 'cancelled' || state === 'refused', answerWithinMs);
      return view();
    },
    {
      validator: () => {
        if (!mayCancel())
          throw refuse('withdrawal-not-pending', `The withdrawal is ${state} and cannot be cancelled.`);
      },
    },
  );

  try {
    await run();
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    await parkFor(error);
  }
  isChecked = true;
  await condition(allHandlersFinished);
  return view();

  async function run(): Promise<void> {
    show('checking');
    const checked = await insist(() => checkWithdrawal({ withdrawalId }));
    cancellable = checked.cancellable;
    payloadHash = checked.payloadHash;
    // A run that follows a lost one does what is left; rows of older builds do not say where they stand.
    decisions.push(...(checked.decisions ?? []));
    legs = checked.legs ?? null;
    switch (checked.resumesAt) {
      case 'end':
        return;
      case 'payout':
        return payOut();
      case 'approval':
        return awaitApproval(checked.approvalsRequired, []);
      default:
        return assess(checked);
    }
  }

  async function assess(checked: CheckedWithdrawal): Promise<void> {
    const risk = await insist(() =>
      assessWithdrawal({ withdrawalId, playerId: input.playerId, money: input.money }),
    );
    const check = withRisk(checked.check, checked.approvalsRequired, risk.outcome, risk.reasons);
    if (check.kind === 'refuse') return release('refused', check.reason);
    // People are asked about somebody who is known not to be on a list.
    if (patched(withdrawalScreened) && !(await isClear())) return;
    return awaitApproval(check.approvals, check.reasons);
  }

  async function awaitApproval(approvals: number, reasons: readonly string[]): Promise<void> {
    approvalsRequired = approvals;
    if (approvals > 0) {
      await insist(() => askForApproval({ withdrawalId, approvals, reasons }));
      show('awaiting-approval');
      isChecked = true;
      await condition(() => isDecided(approvals) || isCancelWanted);
      await condition(() => deciding.size === 0);
    }
    if (approvals > 0 && !isCancelWanted && patched(riskAskedAgain)) {
      // Days may have passed since the first answer.
      const risk = await insist(() =>
        assessWithdrawal({ withdrawalId, playerId: input.playerId, money: input.money, isRepeat: true }),
      );
      if (risk.outcome === 'refuse') return release('refused', 'risk');
    }
    if (isCancelWanted) return release('cancelled', 'cancelled-by-player');
    if (tallyDecisions(approvals, decisions) === 'refused') return release('refused', 'refused-by-operator');
    // Once more right before the money leaves: an answer that still holds is taken as it is.
    if (patched(withdrawalScreened) && !(await isClear())) return;
    const { outcome, reason } = await insist(() => approveWithdrawal({ withdrawalId, approvals }));
    // The cancellation's validator looked before this activity began; the hold is still ours to give back.
    if (outcome === 'refused') return release('refused', reason ?? 'refused-by-operator');
    if (isCancelWanted) return release('cancelled', 'cancelled-by-player');
    show('approved');
    isChecked = true;
    await payOut();
  }

  /**
   * Waits until no list names the player. False when the withdrawal has come to another end meanwhile: taken back, or
   * parked with its hold because a person confirmed the match.
   */
  async function isClear(): Promise<boolean> {
    for (let questions = 0; ; questions += 1) {
      const seen = screeningPokes;
      const { outcome } = await insist(() => screenWithdrawal({ withdrawalId }));
      if (outcome === 'clear') return true;
      if (outcome === 'confirmed') {
        await park('screening-confirmed');
        return false;
      }
      isChecked = true;
      await condition(
        () => isCancelWanted || screeningPokes > seen,
        outcome === 'hit' ? hitPauseMs : pollPauseMs(questions, screeningPauseMsMax),
      );
      if (isCancelWanted) {
        await release('cancelled', 'cancelled-by-player');
        return false;
      }
    }
  }

  async function payOut(): Promise<void> {
    const open = legs === null ? [1] : legs.flatMap((one) => (one.state === 'planned' ? [one.leg] : []));
    await Promise.all(open.map(payLegOrPark));
  }

  async function payLegOrPark(leg: number): Promise<void> {
    try {
      await payLeg(leg);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // A payout that found the withdrawal taken back is no trouble; which of the two is told first is chance.
      if (isCancelWanted) await condition(() => state === 'cancelled' || !isCancelWanted);
      if (state !== 'cancelled') await parkFor(error);
    }
  }

  /** Until the leg is paid, given back, or nothing more is known of it. Other legs go on beside it. */
  async function payLeg(leg: number): Promise<void> {
    const seen = { pokes: 0 };
    for (let attempt = 1; attempt <= payoutAttemptsEver; attempt += 1) {
      const number = payoutNumber(leg, attempt);
      const startedAtMs = Date.now();
      await insist(() => startPayout({ withdrawalId, number }));
      if (state !== 'parked') show('submitted');
      const payout = await follow(await send(number), startedAtMs, seen);
      switch (payout.state) {
        case 'paid':
          return settle(number);
        case 'declined':
          if (payout.hasNext === true) break;
          return fail(leg, 'payout-declined');
        case 'not_sent':
          if (attempt === payoutAttemptsMax) await park(`${payout.psp} cannot be reached`);
          await condition(() => false, pollPauseMs(attempt + 4, offerPauseMsMax));
          break;
        case 'started':
        case 'pending':
        case 'unknown':
        case 'late_paid':
          // The hold stays, and so does the work item: nothing here may guess.
          return;
      }
    }
  }

  async function fail(leg: number, reason: string): Promise<void> {
    if (legs === null) return release('refused', reason);
    const failure = await insist(() => failLeg({ withdrawalId, leg, reason }));
    if (failure.kind === 'rerouted') return payLeg(failure.leg);
    if (failure.end !== null) show(failure.end);
  }

  /** The player's change of mind while the payout was about to start. */
  async function takeBack(): Promise<void> {
    try {
      await release('cancelled', 'cancelled-by-player');
    } catch (error) {
      isCancelWanted = false;
      throw unwrapped(error);
    }
  }

  async function send(number: number): Promise<PayoutView> {
    try {
      return await sendPayout({ withdrawalId, number });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return insist(() => refreshPayout({ withdrawalId, number }));
    }
  }

  /** Stays with a payout until it has an end, or until the last budget is spent. */
  async function follow(
    begun: PayoutView,
    startedAtMs: number,
    seen: { pokes: number },
  ): Promise<PayoutView> {
    let payout = begun;
    for (let questions = 0; !isPayoutResolved(payout.state); questions += 1) {
      await condition(
        () => pokes > seen.pokes,
        pollPauseMs(questions, state === 'parked' ? parkedPollMsMax : payoutPollMsMax),
      );
      seen.pokes = pokes;
      const ageMs = Date.now() - startedAtMs;
      payout = await insist(() => refreshPayout({ withdrawalId, number: payout.number }));
      if (isPayoutResolved(payout.state)) break;
      if (ageMs > unknownBudgetMs && state !== 'parked') await park(`no outcome from ${payout.psp}`);
      if (ageMs > outcomeBudgetMs) break;
    }
    return payout;
  }

  async function settle(number: number): Promise<void> {
    const outcome = await insist(() => settleWithdrawal({ withdrawalId, number }));
    if (outcome.kind === 'mismatch') await park('amount-mismatch');
    else if (outcome.kind !== 'settled') show(outcome.kind);
  }

  async function release(to: 'refused' | 'cancelled', reason: string): Promise<void> {
    await insist(() => releaseWithdrawal({ withdrawalId, state: to, reason }));
    show(to);
  }

  async function park(reason: string): Promise<void> {
    await insist(() => parkWithdrawal({ withdrawalId, reason }));
    show('parked');
  }

  /** The money is held and no rule says what now: a person does. */
  async function parkFor(error: ActivityFailure): Promise<void> {
    await park(error.cause instanceof ApplicationFailure ? (error.cause.type ?? 'failed') : 'failed');
  }

  function isDecided(required: number): boolean {
    return tallyDecisions(required, decisions) !== 'open';
  }

  function mayCancel(): boolean {
    const isBefore = state === 'checking' || state === 'awaiting-approval' || state === 'approved';
    return cancellable && !isCancelWanted && isBefore;
  }

  function show(next: WithdrawalState): void {
    if (state === next) return;
    state = next;
    upsertSearchAttributes([{ key: stageKey, value: next }]);
  }
}
