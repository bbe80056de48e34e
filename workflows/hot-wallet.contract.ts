/** The public face of the `hotWallet` workflow: the one address that pays out, and the order of its nonces. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { stageKey } from './search-attributes.ts';

export type HotWalletInput = { readonly chain: string; readonly address: string };

export const hotWalletWorkflowId = ({ chain, address }: HotWalletInput) =>
  `hot-wallet:${chain}:${address}` as const;

/** Something waits in its queue; the queue is read, nothing is taken from the notice. */
export const transferQueued = defineSignal('transferQueued');

export const hotWalletStart = (input: HotWalletInput) => ({
  workflowId: hotWalletWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [HotWalletInput],
  // It may end by an error of ours; the sweep begins it anew. Nonces are unique in the database.
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [{ key: stageKey, value: 'tending' }],
});
