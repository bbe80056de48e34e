/** A wallet's payout that was paid and of which its PSP says that it failed: asked about until that is certain. */
import { condition, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { createPayoutReturnActivities, PayoutReturnView } from '#activities/payments/payout-returns.ts';
import { pollPauseMs } from '#domain/payments/budgets.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import { payoutReturnNotified, type PayoutReturnInput } from './payout-return.contract.ts';
import { provider } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { followPayoutReturn } = proxyActivities<ReturnType<typeof createPayoutReturnActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

const pauseMsMax = 3_600_000;
/** About two days; a later notice begins anew, and the settlement file tells what is left. */
const questionsMax = 60;

export async function payoutReturn({ withdrawalId, number }: PayoutReturnInput): Promise<PayoutReturnView> {
  let pokes = 0;
  let view: PayoutReturnView = { outcome: 'unclear' };
  setHandler(payoutReturnNotified, () => {
    pokes += 1;
  });
  for (let questions = 0; questions < questionsMax; questions += 1) {
    const seen = pokes;
    view = await insist(() => followPayoutReturn({ withdrawalId, number }));
    if (view.outcome !== 'unclear' && pokes === seen) break;
    await condition(() => pokes > seen, pollPauseMs(questions, pauseMsMax));
  }
  upsertSearchAttributes([{ key: stageKey, value: view.outcome }]);
  return view;
}
