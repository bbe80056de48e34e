/** A dispute from its first notice to its end: the PSP is asked, money is booked as it moves, and the deadline is minded. */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { createDisputeActivities } from '#activities/payments/disputes.ts';
import { answerWithinMs, pollPauseMs } from '#domain/payments/budgets.ts';
import type { DisputePlace } from '#domain/payments/dispute-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  answerDispute,
  disputeNotified,
  getDispute,
  type DisputeInput,
  type DisputeView,
} from './dispute.contract.ts';
import { insist } from './insist.ts';
import { provider } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { followDispute, sendDisputeResponse } = proxyActivities<ReturnType<typeof createDisputeActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

/** A dispute lives for months and its PSP tells by webhook; a question a day finds what was lost. */
const pollMs = 24 * 3_600_000;
const answerPauseMsMax = 3_600_000;

setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, dispute);

export async function dispute(input: DisputeInput): Promise<DisputeView> {
  const { disputeId } = input;
  let place: DisputePlace = { stage: 'inquiry', status: 'noticed' };
  let isOver = false;
  let isPoked = false;
  const toSend: string[] = [];
  const sent = new Set<string>();

  const view = (): DisputeView => ({ disputeId, ...place });
  const isAwake = (): boolean => isPoked || toSend.length > 0;

  setHandler(getDispute, view);
  setHandler(disputeNotified, () => {
    isPoked = true;
  });
  setHandler(
    answerDispute,
    async ({ responseId }) => {
      if (!sent.has(responseId) && !toSend.includes(responseId)) toSend.push(responseId);
      await condition(() => sent.has(responseId) || isOver, answerWithinMs);
      return view();
    },
    {
      validator: (_answer) => {
        if (isOver)
          throw ApplicationFailure.create({
            type: 'dispute-not-open',
            message: `The dispute is ${place.status}.`,
            nonRetryable: true,
          });
      },
    },
  );

  while (!isOver) {
    isPoked = false;
    const standing = await insist(() => followDispute({ disputeId }));
    place = { stage: standing.stage, status: standing.status };
    upsertSearchAttributes([{ key: stageKey, value: `${place.stage}:${place.status}` }]);
    if (standing.isOver && toSend.length === 0) {
      isOver = true;
      break;
    }
    if (toSend.length > 0) await send();
    else if (!isPoked)
      await condition(isAwake, Math.min(pollMs, Math.max(1_000, standing.remainingMs ?? pollMs)));
  }
  await condition(allHandlersFinished);
  return view();

  /** Under one key for ever, so that it may be repeated until the PSP has heard it. */
  async function send(): Promise<void> {
    const responseId = toSend[0] ?? '';
    for (let tries = 0; ; tries += 1) {
      const outcome = await insist(() => sendDisputeResponse({ responseId }));
      if (outcome !== 'again') break;
      await condition(() => false, pollPauseMs(tries, answerPauseMsMax));
    }
    toSend.shift();
    sent.add(responseId);
  }
}
