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
  upsertSearchAttributes([{ key: stageKey, value: endOf(reconciled) }]);
  return reconciled;
}

/** A day whose file cannot be read is fetched again by a run of its own, which a sweep starts. */
function endOf({ openBreaks, isUnreadable }: Reconciled): 'unreadable' | 'agreed' | 'breaks' {
  if (isUnreadable === true) return 'unreadable';
  return openBreaks === 0 ? 'agreed' : 'breaks';
}
