/** The wallet that pays out: tends its queue for as long as there is a chain, and tells withdrawals when their payout has ended. */
import {
  ActivityFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { createHotWalletActivities } from '#activities/payments/evm/hot-wallet-activities.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { transferQueued, type HotWalletInput } from './hot-wallet.contract.ts';
import { providerRead } from './retry-profiles.ts';
import { payoutNotified, withdrawalWorkflowId } from './withdrawal.contract.ts';

const { tendHotWallet, checkHotWalletLevels } = proxyActivities<ReturnType<typeof createHotWalletActivities>>(
  {
    ...providerRead,
    taskQueue: taskQueues.provider,
  },
);

const busyPauseMs = 5_000;
const idlePauseMs = 15 * 60_000;
const roundsMax = 250;
/** Rounds between two looks at what it holds. */
const levelsEvery = 20;

export async function hotWallet(input: HotWalletInput): Promise<never> {
  const { address } = input;
  let isPoked = false;
  setHandler(transferQueued, () => {
    isPoked = true;
  });
  for (let round = 0; round < roundsMax; round += 1) {
    isPoked = false;
    const { open, endedPayouts } = await patiently(() => tendHotWallet({ address }), {
      open: 1,
      endedPayouts: [],
    });
    for (const withdrawalId of endedPayouts)
      // One that has ended, or that a sweep will start, needs no notice.
      await getExternalWorkflowHandle(withdrawalWorkflowId(withdrawalId))
        .signal(payoutNotified)
        .catch(() => {});
    if (open === 0 || round % levelsEvery === 0)
      await patiently(() => checkHotWalletLevels({ address }), undefined);
    await condition(() => isPoked, open === 0 ? idlePauseMs : busyPauseMs);
  }
  return continueAsNew<typeof hotWallet>(input);
}

/** A node that is away for hours is asked again in the next round. */
async function patiently<T>(call: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return otherwise;
  }
}
