/** How to start, steer and read the workflow of a refund. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RefundDecision } from '#activities/payments/refunds.ts';
import type { MoneyText } from '#domain/money.ts';
import type { RefundState } from '#domain/payments/refund-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  amountKey,
  assetKey,
  brandKey,
  jurisdictionKey,
  playerIdKey,
  stageKey,
} from './search-attributes.ts';

export type RefundInput = {
  readonly refundId: string;
  /** 0 for the refund itself; counted up when its PSP speaks of it after it had ended. */
  readonly reopened: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
};

export const refundWorkflowId = ({ refundId, reopened }: Pick<RefundInput, 'refundId' | 'reopened'>) =>
  reopened === 0 ? (`refund:${refundId}` as const) : (`refund:${refundId}:r${reopened}` as const);

/** The inverse of the first run's id, as inbox rows name it; null for another workflow's id. */
export const refundIdOf = (workflowId: string): string | null =>
  /^refund:([0-9a-f-]{36})$/.exec(workflowId)?.[1] ?? null;

export type RefundView = { readonly refundId: string; readonly state: RefundState };

export type { RefundDecision };

/** Answers when the PSP was called, a second person is waited for, or after 15 s. */
export const beginRefund = defineUpdate<RefundView>('begin');

/** The second person's decision; refused with `refund-not-open`, `already-decided`, `own-approval`. */
export const decideRefund = defineUpdate<RefundView, [RefundDecision]>('decide');

/** A PSP said something about the refund; the status is asked, nothing is taken from the notice. */
export const refundNotified = defineSignal('refundNotified');

export const getRefund = defineQuery<RefundView>('getRefund');

/** Start options by contract: one workflow per row and reopening, for ever. */
export const refundStart = (input: RefundInput) => ({
  workflowId: refundWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [RefundInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
    { key: stageKey, value: 'requested' },
    { key: amountKey, value: input.money.amount },
    { key: assetKey, value: input.money.asset },
  ],
});
