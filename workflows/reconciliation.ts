/** Fetches a PSP's settlement file of a day, however long it takes the PSP to have one, and matches it. */
import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { createReconciliationActivities, Reconciled } from '#activities/payments/reconciliation.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import type { ReconciliationInput } from './reconciliation.contract.ts';
import { providerRead } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { fetchSettlement, matchSettlement } = proxyActivities<
  ReturnType<typeof createReconciliationActivities>
>({ ...providerRead, taskQueue: taskQueues.provider });

export async function reconciliation(input: ReconciliationInput): Promise<Reconciled> {
  const { psp, day } = input;
  const { fileId } = await insist(() => fetchSettlement({ psp, day }));
  upsertSearchAttributes([{ key: stageKey, value: 'matching' }]);
  const reconciled = await insist(() => matchSettlement({ fileId }));
  upsertSearchAttributes([{ key: stageKey, value: reconciled.openBreaks === 0 ? 'agreed' : 'breaks' }]);
  return reconciled;
}
