/** A refund of a deposit: the second person where one is needed, the ledger, the PSP once, and what it says in the end. */
import {
  ActivityFailure,
  allHandlersFinished,
  condition,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createRefundCallActivities, RefundCallView } from '#activities/payments/refund-calls.ts';
import type { createRefundActivities } from '#activities/payments/refunds.ts';
import {
  answerWithinMs,
  outcomeBudgetMs,
  payoutAttemptsMax,
  pollPauseMs,
  refundPollMsMax,
  unknownBudgetMs,
} from '#domain/payments/budgets.ts';
import { isRefundCallResolved, type RefundState } from '#domain/payments/refund-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { refuse, unwrapped } from './expected-failures.ts';
import { insist } from './insist.ts';
import {
  beginRefund as begin,
  decideRefund,
  getRefund,
  refundNotified,
  type RefundInput,
  type RefundView,
} from './refund.contract.ts';
import { database, provider, providerOnce } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { beginRefund, recordRefundDecision, debitRefund, settleRefund, parkRefund } = proxyActivities<
  ReturnType<typeof createRefundActivities>
>({ ...database, taskQueue: taskQueues.money });
const { offerRefundAgain } = proxyActivities<ReturnType<typeof createRefundCallActivities>>({
  ...database,
  taskQueue: taskQueues.provider,
});
const { sendRefund } = proxyActivities<ReturnType<typeof createRefundCallActivities>>({
  ...providerOnce,
  taskQueue: taskQueues.provider,
});
const { refreshRefund } = proxyActivities<ReturnType<typeof createRefundCallActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

/** Between offers of a refund that never left the pause grows to an hour. */
const offersEver = 50;
const offerPauseMsMax = 3_600_000;
const parkedPollMsMax = 24 * 3_600_000;

export async function refund(input: RefundInput): Promise<RefundView> {
  const { refundId } = input;
  let state: RefundState = 'requested';
  let shown: { readonly payloadHash: string; readonly requestedBy: string | null } = {
    payloadHash: '',
    requestedBy: null,
  };
  let isDeciding = false;
  let isAnswered = false;
  let isPoked = false;

  const view = (): RefundView => ({ refundId, state });

  setHandler(getRefund, view);
  setHandler(refundNotified, () => {
    isPoked = true;
  });
  setHandler(begin, async () => {
    await condition(() => isAnswered, answerWithinMs);
    return view();
  });
  setHandler(
    decideRefund,
    async (decision) => {
      isDeciding = true;
      try {
        show((await recordRefundDecision({ refundId, ...decision })).state);
      } catch (error) {
        throw unwrapped(error);
      } finally {
        isDeciding = false;
      }
      return view();
    },
    {
      validator: ({ operatorId, payloadHash }) => {
        if (operatorId === shown.requestedBy)
          throw refuse('own-approval', 'Who asks for a refund does not decide on it.');
        if (isDeciding) throw refuse('already-decided', 'Somebody is deciding right now.');
        if (state !== 'awaiting-approval') throw refuse('refund-not-open', `The refund is ${state}.`);
        if (payloadHash !== shown.payloadHash)
          throw refuse('refund-not-open', 'The refund is not the one that was shown.');
      },
    },
  );

  await run();
  isAnswered = true;
  await condition(allHandlersFinished);
  return view();

  async function run(): Promise<void> {
    const standing = await insist(() => beginRefund({ refundId }));
    shown = standing;
    show(standing.state);
    if (state === 'awaiting-approval') {
      isAnswered = true;
      await condition(() => state !== 'awaiting-approval' && !isDeciding);
    }
    if (state === 'requested' || state === 'approved')
      show((await insist(() => debitRefund({ refundId }))).state);
    if (state === 'submitted' || state === 'parked') return send();
    if (input.reopened > 0) return lookAgain();
  }

  async function send(): Promise<void> {
    for (let offers = 1; offers <= offersEver; offers += 1) {
      const call = await follow(await callOnce());
      if (!isRefundCallResolved(call.state)) return;
      if (call.state !== 'not_sent') return settle();
      // Proven that nothing was processed: the same key is offered again until the PSP can be reached.
      if (offers === payoutAttemptsMax) await park(`${call.psp} cannot be reached`);
      isAnswered = true;
      if (offers === offersEver) return settle();
      await condition(() => false, pollPauseMs(offers + 4, offerPauseMsMax));
      await insist(() => offerRefundAgain({ refundId }));
    }
  }

  async function callOnce(): Promise<RefundCallView> {
    try {
      return await sendRefund({ refundId });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return insist(() => refreshRefund({ refundId }));
    }
  }

  /** Stays with the call until it has an end, or until the last budget is spent; the work item stays then. */
  async function follow(begun: RefundCallView): Promise<RefundCallView> {
    const startedAtMs = Date.now();
    let call = begun;
    isAnswered = true;
    for (let questions = 0; !isRefundCallResolved(call.state); questions += 1) {
      await condition(
        () => isPoked,
        pollPauseMs(questions, state === 'parked' ? parkedPollMsMax : refundPollMsMax),
      );
      isPoked = false;
      const ageMs = Date.now() - startedAtMs;
      call = await insist(() => refreshRefund({ refundId }));
      if (isRefundCallResolved(call.state)) break;
      if (ageMs > unknownBudgetMs && state !== 'parked') await park(`no outcome from ${call.psp}`);
      if (ageMs > outcomeBudgetMs) break;
    }
    return call;
  }

  /** The PSP spoke of a refund that had ended: asked once, and what has changed is booked. */
  async function lookAgain(): Promise<void> {
    const call = await insist(() => refreshRefund({ refundId }));
    const isNews =
      (call.state === 'returned' && state === 'paid') || (call.state === 'late_paid' && state === 'refused');
    if (isNews) await settle();
  }

  async function settle(): Promise<void> {
    const outcome = await insist(() => settleRefund({ refundId }));
    if (outcome.state === 'mismatch') await park('amount-mismatch');
    else show(outcome.state);
  }

  async function park(reason: string): Promise<void> {
    await insist(() => parkRefund({ refundId, reason }));
    if (state === 'submitted') show('parked');
  }

  function show(next: RefundState): void {
    if (state === next) return;
    state = next;
    upsertSearchAttributes([{ key: stageKey, value: next }]);
  }
}
