/** A file of payouts: sealed, sent once, and asked about until the bank says that it has it. Never another file instead. */
import { ActivityFailure, proxyActivities, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import type {
  createPayoutBatchActivities,
  PayoutBatchState,
} from '#activities/payments/sepa/payout-batches.ts';
import { outcomeBudgetMs, pollPauseMs, unknownBudgetMs } from '#domain/payments/budgets.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import type { PayoutBatchInput } from './payout-batch.contract.ts';
import { database, provider, providerOnce } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

type Activities = ReturnType<typeof createPayoutBatchActivities>;
const { sealBatch, reportStuckBatch } = proxyActivities<Activities>({
  ...database,
  taskQueue: taskQueues.provider,
});
const { sendBatch } = proxyActivities<Activities>({ ...providerOnce, taskQueue: taskQueues.provider });
const { askBatch } = proxyActivities<Activities>({ ...provider, taskQueue: taskQueues.provider });

const pauseMsMax = 30 * 60_000;

export async function payoutBatch({ batchId }: PayoutBatchInput): Promise<PayoutBatchState> {
  const startedAtMs = Date.now();
  let isShown = false;
  let state = await insist(() => sealBatch({ batchId }));
  for (let round = 0; state === 'sealed' || state === 'unknown'; round += 1) {
    upsertSearchAttributes([{ key: stageKey, value: state }]);
    if (round > 0) await sleep(pollPauseMs(round, pauseMsMax));
    state = state === 'sealed' ? await send() : await insist(() => askBatch({ batchId }));
    const ageMs = Date.now() - startedAtMs;
    if (!isShown && ageMs > unknownBudgetMs && (state === 'sealed' || state === 'unknown')) {
      await insist(() => reportStuckBatch({ batchId }));
      isShown = true;
    }
    if (ageMs > outcomeBudgetMs) break;
  }
  upsertSearchAttributes([{ key: stageKey, value: state }]);
  return state;

  async function send(): Promise<PayoutBatchState> {
    try {
      return await sendBatch({ batchId });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // The call may have left before its answer was lost: the next call finds the claim and sends nothing.
      return 'sealed';
    }
  }
}
