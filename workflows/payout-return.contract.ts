/** How to start and poke the workflow of a wallet's payout that may have come back. */
import { defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey, stageKey } from './search-attributes.ts';

export type PayoutReturnInput = {
  readonly withdrawalId: string;
  readonly number: number;
  /** Counted up when the PSP speaks of it again after it had ended. */
  readonly reopened: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

export const payoutReturnWorkflowId = ({
  withdrawalId,
  number,
  reopened,
}: Pick<PayoutReturnInput, 'withdrawalId' | 'number' | 'reopened'>) =>
  reopened === 0
    ? (`payout-return:${withdrawalId}:p${number}` as const)
    : (`payout-return:${withdrawalId}:p${number}:r${reopened}` as const);

/** The PSP spoke once more; it is asked, nothing is taken from the notice. */
export const payoutReturnNotified = defineSignal('payoutReturnNotified');

/** Start options by contract: one workflow per payout and reopening, for ever. */
export const payoutReturnStart = (input: PayoutReturnInput) => ({
  workflowId: payoutReturnWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [PayoutReturnInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
    { key: stageKey, value: 'asking' },
  ],
});
