/** Collects what was credited at one address: gas ahead where it is a token, then the transfer, until nothing worth it is left. */
import { proxyActivities, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import type { CollectStep, createCollectActivities } from '#activities/payments/evm/collect-deposits.ts';
import { taskQueues } from '#domain/task-queues.ts';
import type { CryptoSweepInput } from './crypto-sweep.contract.ts';
import { insist } from './insist.ts';
import { provider } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { collectDeposits } = proxyActivities<ReturnType<typeof createCollectActivities>>({
  ...provider,
  taskQueue: taskQueues.provider,
});

const pauseMs = 15_000;
/** About a day; the sweep of the relay begins another run. */
const roundsMax = 5_000;

export async function cryptoSweep({ address, asset }: CryptoSweepInput): Promise<CollectStep> {
  let shown: CollectStep | null = null;
  for (let round = 0; round < roundsMax; round += 1) {
    const step = await insist(() => collectDeposits({ address, asset }));
    if (step === 'done') break;
    if (step !== shown) upsertSearchAttributes([{ key: stageKey, value: step }]);
    shown = step;
    await sleep(pauseMs);
  }
  upsertSearchAttributes([{ key: stageKey, value: 'done' }]);
  return shown ?? 'done';
}
