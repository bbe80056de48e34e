/** A capture or void of an authorisation: the second person where one is needed, the PSP once, and what it says. */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type {
  createModificationCallActivities,
  ModificationCallView,
} from '#activities/payments/modification-calls.ts';
import type { createModificationActivities } from '#activities/payments/modifications.ts';
import type { FailureCode } from '#domain/failures.ts';
import {
  answerWithinMs,
  outcomeBudgetMs,
  payoutAttemptsMax,
  pollPauseMs,
  unknownBudgetMs,
} from '#domain/payments/budgets.ts';
import type { ModificationState } from '#domain/payments/modification-state.ts';
import { isPayoutResolved } from '#domain/payments/payout-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { depositWorkflowId, pspNotified } from './deposit.contract.ts';
import { insist } from './insist.ts';
import {
  beginModification as begin,
  decideModification,
  getModification,
  modificationNotified,
  type ModificationInput,
  type ModificationView,
} from './modification.contract.ts';
import { database, provider, providerOnce } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { beginModification, recordModificationDecision, settleModification, parkModification } =
  proxyActivities<ReturnType<typeof createModificationActivities>>({
    ...database,
    taskQueue: taskQueues.money,
  });
const { offerModificationAgain } = proxyActivities<ReturnType<typeof createModificationCallActivities>>({
  ...database,
  taskQueue: taskQueues.provider,
});
const { sendModification } = proxyActivities<ReturnType<typeof createModificationCallActivities>>({
  ...providerOnce,
  taskQueue: taskQueues.provider,
});
const { refreshModification } = proxyActivities<ReturnType<typeof createModificationCallActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

const pollMsMax = 30 * 60_000;
const parkedPollMsMax = 24 * 3_600_000;
/** Then the authorisation has run out, too. */
const offersEver = 50;
const offerPauseMsMax = 3_600_000;

const refuse = (type: FailureCode, message: string): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: true });

export async function modification(input: ModificationInput): Promise<ModificationView> {
  const { modificationId } = input;
  let state: ModificationState = 'requested';
  let shown = { payloadHash: '', requestedBy: '' };
  let isDeciding = false;
  let isAnswered = false;
  let isPoked = false;

  const view = (): ModificationView => ({ modificationId, state });

  setHandler(getModification, view);
  setHandler(modificationNotified, () => {
    isPoked = true;
  });
  setHandler(begin, async () => {
    await condition(() => isAnswered, answerWithinMs);
    return view();
  });
  setHandler(
    decideModification,
    async (decision) => {
      isDeciding = true;
      try {
        show((await recordModificationDecision({ modificationId, ...decision })).state);
      } catch (error) {
        // Only ApplicationFailure fails an update; anything else would fail the workflow task for ever.
        if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) throw error.cause;
        throw error;
      } finally {
        isDeciding = false;
      }
      return view();
    },
    {
      validator: ({ operatorId, payloadHash }) => {
        if (operatorId === shown.requestedBy)
          throw refuse('own-approval', 'Who asks for it does not decide on it.');
        if (isDeciding) throw refuse('already-decided', 'Somebody is deciding right now.');
        if (state !== 'awaiting-approval') throw refuse('modification-not-open', `It is ${state}.`);
        if (payloadHash !== shown.payloadHash)
          throw refuse('modification-not-open', 'It is not what was shown.');
      },
    },
  );

  await run();
  isAnswered = true;
  await condition(allHandlersFinished);
  return view();

  async function run(): Promise<void> {
    await beginOnce();
    if (state === 'awaiting-approval') {
      isAnswered = true;
      await condition(() => state !== 'awaiting-approval' && !isDeciding);
      // Of what was refused this changes nothing.
      await beginOnce();
    }
    if (state === 'submitted' || state === 'parked') await send();
    // Whoever asked need not wait until the deposit has heard of it.
    isAnswered = true;
    await tellDeposit();
  }

  async function beginOnce(): Promise<void> {
    const standing = await insist(() => beginModification({ modificationId }));
    shown = standing;
    show(standing.state);
  }

  async function send(): Promise<void> {
    for (let offers = 1; offers <= offersEver; offers += 1) {
      const call = await follow(await callOnce());
      if (!isPayoutResolved(call.state)) return;
      if (call.state !== 'not_sent' || offers === offersEver) return settle();
      // Proven that nothing was processed: the same key is offered again until the PSP can be reached.
      if (offers === payoutAttemptsMax) await park(`${call.psp} cannot be reached`);
      isAnswered = true;
      await condition(() => false, pollPauseMs(offers + 4, offerPauseMsMax));
      await insist(() => offerModificationAgain({ modificationId }));
    }
  }

  async function callOnce(): Promise<ModificationCallView> {
    try {
      return await sendModification({ modificationId });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return insist(() => refreshModification({ modificationId }));
    }
  }

  /** Stays with the call until it has an end, or until the last budget is spent; the work item stays then. */
  async function follow(begun: ModificationCallView): Promise<ModificationCallView> {
    const startedAtMs = Date.now();
    let call = begun;
    for (let questions = 0; !isPayoutResolved(call.state); questions += 1) {
      isAnswered = true;
      await condition(
        () => isPoked,
        pollPauseMs(questions, state === 'parked' ? parkedPollMsMax : pollMsMax),
      );
      isPoked = false;
      const ageMs = Date.now() - startedAtMs;
      call = await insist(() => refreshModification({ modificationId }));
      if (isPayoutResolved(call.state)) break;
      if (ageMs > unknownBudgetMs && state !== 'parked') await park(`no outcome from ${call.psp}`);
      if (ageMs > outcomeBudgetMs) break;
    }
    return call;
  }

  async function settle(): Promise<void> {
    try {
      const outcome = await insist(() => settleModification({ modificationId }));
      if (outcome.state === 'mismatch') await park('amount-mismatch');
      else show(outcome.state);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // The PSP has the money and the wallet does not take it: a person must.
      await park('credit-refused');
    }
  }

  /** It waits for what becomes of its authorisation; where it has ended, its row is right all the same. */
  async function tellDeposit(): Promise<void> {
    try {
      await getExternalWorkflowHandle(depositWorkflowId(input.depositId)).signal(pspNotified, {
        attempt: null,
        saysApproved: false,
      });
    } catch {
      // Nobody waits.
    }
  }

  async function park(reason: string): Promise<void> {
    await insist(() => parkModification({ modificationId, reason }));
    if (state === 'submitted') show('parked');
  }

  function show(next: ModificationState): void {
    if (state === next) return;
    state = next;
    upsertSearchAttributes([{ key: stageKey, value: next }]);
  }
}
