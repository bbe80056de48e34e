/** A deposit: tried at one PSP after the other, only after proof; never given up while its outcome is unknown. */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  TemporalFailure,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type {
  createDepositAttemptActivities,
  SentAttemptView,
} from '#activities/payments/deposit-attempts.ts';
import type { createDepositActivities } from '#activities/payments/deposit-outcomes.ts';
import type { createHoldActivities, Hold } from '#activities/payments/holds.ts';
import type { AttemptView } from '#activities/payments/record-outcome.ts';
import { isClosedUnpaid, isResolved } from '#domain/payments/attempt-state.ts';
import {
  actionDeadlineMs,
  answerWithinMs,
  outcomeBudgetMs,
  overduePauseMs,
  pollPauseMs,
  unknownBudgetMs,
  untracedBudgetMs,
} from '#domain/payments/budgets.ts';
import { nextStep } from '#domain/payments/cascade.ts';
import type { DepositState } from '#domain/payments/withdrawal-decision.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  beginDeposit,
  completeAction,
  getDeposit,
  pspNotified,
  type DepositInput,
  type DepositView,
} from './deposit.contract.ts';
import { insist } from './insist.ts';
import { othersFirst } from './local-activity-order.ts';
import { database, provider, providerOnceAtOnce } from './retry-profiles.ts';
import { refundSecondCharge, refundUnauthenticated } from './second-charge.ts';
import { stageKey } from './search-attributes.ts';

const { authoriseAttempt } =
  proxyLocalActivities<ReturnType<typeof createDepositAttemptActivities>>(providerOnceAtOnce);
const { refreshAttempt, continueAttempt, cancelAttempt } = proxyActivities<
  ReturnType<typeof createDepositAttemptActivities>
>({ ...provider, taskQueue: taskQueues.provider });
const { startAttempt } = proxyActivities<ReturnType<typeof createDepositAttemptActivities>>({
  ...database,
  taskQueue: taskQueues.provider,
});
const { captureDeposit, failDeposit, parkDeposit } = proxyActivities<
  ReturnType<typeof createDepositActivities>
>({
  ...database,
  taskQueue: taskQueues.money,
});

const { holdDeposit, readHold } = proxyActivities<ReturnType<typeof createHoldActivities>>({
  ...database,
  taskQueue: taskQueues.provider,
});
const { expireHold } = proxyActivities<ReturnType<typeof createHoldActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

const pollMsMax = 30 * 60_000;
const parkedPollMsMax = 24 * 3_600_000;

/** Something can be captured still, or has to be let go. */
const isHeld = ({ state, isOpen }: Hold): boolean => state === 'authorised' || isOpen === true;

export async function deposit(input: DepositInput): Promise<DepositView> {
  const { depositId } = input;
  const attempts: AttemptView[] = [];
  let view: DepositView = { depositId, state: 'requested', nextAction: { type: 'none' } };
  /** Something is worth telling the player: an end, an action, or that the answer will take longer. */
  let isTellable = false;
  let isReturned = false;
  let isPoked = false;
  const strays = new Set<number>();
  /** Attempts that a PSP spoke of after their last question was asked; a notice without a number may mean any. */
  const spokenOf = new Set<number>();
  /** Strays whose PSP could not be asked. */
  const unclear = new Set<number>();
  /** Late approvals that were credited or given back. */
  const settled = new Set<number>();
  let underWay = 0;
  let facedAtMs = Date.now();
  let psps = input.psps;

  setHandler(getDeposit, () => view);
  setHandler(pspNotified, ({ attempt, saysApproved = true }) => {
    const closed = attempts.find(({ number }) => number === attempt);
    if (closed === undefined) isPoked = true;
    else if (closed.state !== 'approved') strays.add(closed.number);
    if (closed !== undefined || !saysApproved) return;
    if (attempt !== null) spokenOf.add(attempt);
    else for (const number of [...attempts.map((known) => known.number), underWay]) spokenOf.add(number);
  });
  setHandler(beginDeposit, async () => {
    await condition(() => isTellable, answerWithinMs);
    return view;
  });
  setHandler(
    completeAction,
    async () => {
      isReturned = true;
      // What is shown before the return was submitted is old news.
      await condition(() => !isReturned && isTellable, answerWithinMs);
      return view;
    },
    {
      validator: () => {
        if (view.state === 'awaiting-action') return;
        throw ApplicationFailure.create({
          type: 'deposit-not-awaiting-action',
          message: `The deposit is ${view.state}.`,
          nonRetryable: true,
        });
      },
    },
  );

  for (;;) {
    const step = nextStep(psps, attempts, Date.now() - facedAtMs);
    if (step.kind === 'approved') {
      await capture();
      break;
    }
    if (step.kind === 'stop') {
      await insist(() => failDeposit({ depositId, reason: step.reason }));
      show('failed');
      break;
    }
    if (step.kind === 'wait') break;
    if (step.kind === 'authorised') {
      await hold(attempts.find(({ state }) => state === 'authorised'));
      break;
    }
    const startedAtMs = Date.now();
    const attempt = await send(step);
    const ended = await follow(attempt, startedAtMs);
    // Nobody could tell for a month: the work item stays with a person, the money's share of the limit stays taken.
    if (!isResolved(ended.state)) break;
    attempts.push(ended);
    await lookAtStrays();
  }
  await condition(allHandlersFinished);
  await endStrays();
  return view;

  async function send(step: { number: number; psp: string; stepUp: boolean }): Promise<AttemptView> {
    const { number, psp, stepUp } = step;
    underWay = number;
    if (number > 1) await insist(() => startAttempt({ depositId, number, psp, stepUp }));
    try {
      const sent = await authoriseAttempt({ depositId, number });
      await othersFirst();
      // Two requests with one key may have begun with different routes; the one that was written counts. Older
      // histories do not tell it.
      psps = (sent as Partial<SentAttemptView>).psps ?? psps;
      return sent;
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error;
      // It was started ahead of a row that was refused after all: there is no deposit, and nothing was sent.
      if (error instanceof ApplicationFailure && error.type === 'not-found') throw error;
      await othersFirst();
      // A local activity's failure comes bare. The call may have left before its answer was lost: the status decides.
      return insist(() => refreshAttempt({ depositId, number }));
    }
  }

  /** Stays with an attempt until it has an end, or until the last budget is spent. */
  async function follow(begun: AttemptView, startedAtMs: number): Promise<AttemptView> {
    let attempt = begun;
    let questions = 0;
    // A player who heard of the action from the row may be back before this task, done again, has shown it.
    isReturned = begun.hasReturned;
    let actionSinceMs: number | null = null;
    while (!isResolved(attempt.state)) {
      const at = { depositId, number: attempt.number };
      const ageMs = () => Date.now() - startedAtMs;
      if (attempt.state === 'action') {
        actionSinceMs ??= Date.now();
        show('awaiting-action', attempt.actionUrl);
        const leftMs = Math.max(
          actionSinceMs + actionDeadlineMs - Date.now(),
          pollPauseMs(questions, pollMsMax),
        );
        const isExpired = !(await heard(leftMs));
        await lookAtStrays();
        spokenOf.delete(attempt.number);
        if (isReturned) {
          isReturned = false;
          isTellable = false;
          facedAtMs = Date.now();
          attempt = await insist(() => continueAttempt(at));
        } else {
          attempt = await insist(() => (isExpired ? cancelAttempt : refreshAttempt)(at));
        }
      } else {
        if (view.state !== 'parked') show('processing');
        isTellable = true;
        await heard(pollPauseMs(questions, ageMs() > unknownBudgetMs ? parkedPollMsMax : pollMsMax));
        isReturned = false;
        spokenOf.delete(attempt.number);
        attempt = await insist(() => refreshAttempt(at));
      }
      questions += 1;
      await lookAtStrays();
      if (isResolved(attempt.state)) break;
      if (view.state !== 'parked' && ageMs() > toldAfterMs(attempt))
        await park(`no outcome from ${attempt.psp}`);
      if (ageMs() > outcomeBudgetMs) break;
    }
    return attempt;
  }

  /** When a person is told of an attempt that has no end yet. */
  function toldAfterMs({ state }: AttemptView): number {
    return state === 'unknown' && patched('untraced-sooner') ? untracedBudgetMs : unknownBudgetMs;
  }

  /** True when somebody spoke before the time was over. */
  async function heard(withinMs: number): Promise<boolean> {
    const spoke = await condition(() => isPoked || isReturned || strays.size > 0, withinMs);
    isPoked = false;
    return spoke;
  }

  /** A notice may come after an attempt's last answer and before its end is known here, or say no number. */
  function takeUpSpokenOf(): void {
    const spoken = attempts.filter(({ number, state }) => spokenOf.has(number) && isClosedUnpaid(state));
    if (spoken.length === 0 || !patched('spoken-of-late')) return;
    for (const { number } of spoken) strays.add(number);
  }

  /** Notices about attempts that are closed: money there is recorded, and shown to a person. */
  async function lookAtStrays(): Promise<void> {
    takeUpSpokenOf();
    for (const number of strays) {
      strays.delete(number);
      spokenOf.delete(number);
      const index = attempts.findIndex((known) => known.number === number);
      const seen = await insist(() => refreshAttempt({ depositId, number }));
      attempts[index] = seen;
      if (seen.isUnclear === true) unclear.add(number);
      else unclear.delete(number);
    }
  }

  /**
   * Held on the card until staff have captured or voided all of it, in workflows of their own, or until its time is over.
   * What a last capture leaves at a PSP that keeps it is given up at once.
   */
  async function hold(held: AttemptView | undefined): Promise<void> {
    if (held === undefined) throw new Error('Invariant broken: authorised without an attempt');
    const at = { depositId, number: held.number };
    let standing = await insist(() => holdDeposit(at));
    let isAsked = false;
    while (isHeld(standing)) {
      show(standing.state);
      if (standing.isClosing !== true || isAsked) await heard(Math.max(standing.leftMs, overduePauseMs));
      strays.delete(held.number);
      takeUpSpokenOf();
      if (strays.size > 0) {
        // What else took money is shown to a person now, and settled when nothing is held any more.
        if (patched('strays-beside-a-hold')) await lookAtStrays();
        else strays.clear();
      }
      standing = await insist(() => readHold({ depositId }));
      if (isHeld(standing) && standing.leftMs === 0) {
        isAsked = true;
        standing = await insist(() => expireHold(at));
      }
    }
    show(standing.state);
  }

  /**
   * A notice that came while the deposit was ending was taken as told: nobody else will look at it. A PSP that could not
   * be asked about a closed attempt is asked until it answers.
   */
  async function endStrays(): Promise<void> {
    const endedAtMs = Date.now();
    await settleStrays();
    for (let tries = 0; unclear.size > 0 && patched('unclear-strays'); tries += 1) {
      if (Date.now() - endedAtMs > outcomeBudgetMs) return;
      await condition(() => strays.size > 0, pollPauseMs(tries, pollMsMax));
      for (const number of unclear) strays.add(number);
      await settleStrays();
    }
  }

  async function settleStrays(): Promise<void> {
    takeUpSpokenOf();
    while ((strays.size > 0 || unsettled().length > 0) && patched('last-strays')) {
      await lookAtStrays();
      for (const { number } of unsettled()) {
        settled.add(number);
        try {
          const outcome = await insist(() => captureDeposit({ depositId, number }));
          if (outcome.kind === 'captured') show('captured');
          if (outcome.kind === 'elsewhere') await refundSecondCharge({ depositId, number });
        } catch (error) {
          // The wallet does not take it: the late approval is a person's already.
          if (!(error instanceof ActivityFailure)) throw error;
        }
      }
    }
  }

  function unsettled(): readonly AttemptView[] {
    return attempts.filter(({ number, state }) => state === 'late_approved' && !settled.has(number));
  }

  async function capture(): Promise<void> {
    const taken =
      attempts.find(({ state }) => state === 'approved') ??
      attempts.find(({ state }) => state === 'late_approved');
    if (taken === undefined) throw new Error('Invariant broken: approved without an attempt');
    settled.add(taken.number);
    try {
      const outcome = await insist(() => captureDeposit({ depositId, number: taken.number }));
      if (outcome.kind === 'mismatch') await park('amount-mismatch');
      else if (outcome.kind === 'not-authenticated') await refuseUnauthenticated(taken.number);
      else {
        show('captured');
        await giveSecondChargesBack(taken.number);
        // Started anew after a part was captured.
        if (outcome.isHeld === true) await hold(taken);
      }
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // The PSP has the money and the wallet does not take it: a person must.
      await park('capture-refused');
    }
  }

  /** The PSP took money on an authentication that may not be used: it goes back where the policy says so. */
  async function refuseUnauthenticated(number: number): Promise<void> {
    if (patched('unauthenticated-charge') && (await refundUnauthenticated({ depositId, number })))
      show('failed');
    else await park('not-authenticated');
  }

  /** An earlier no that did not hold, seen while a later attempt was under way. */
  async function giveSecondChargesBack(taken: number): Promise<void> {
    const others = attempts.filter(({ number, state }) => number !== taken && state === 'late_approved');
    for (const { number } of others) settled.add(number);
    if (others.length === 0 || !patched('second-charge')) return;
    for (const { number } of others) await refundSecondCharge({ depositId, number });
  }

  async function park(reason: string): Promise<void> {
    await insist(() => parkDeposit({ depositId, reason }));
    show('parked');
  }

  function show(state: DepositState, url: string | null = null): void {
    const isNew = view.state !== state;
    view = { depositId, state, nextAction: url === null ? { type: 'none' } : { type: 'redirect', url } };
    isTellable = true;
    if (isNew) upsertSearchAttributes([{ key: stageKey, value: state }]);
  }
}
