/** How to start, steer and read the workflow of a withdrawal. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { MoneyText } from '#domain/money.ts';
import type { WithdrawalState } from '#domain/payments/withdrawal-decision.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  amountKey,
  assetKey,
  brandKey,
  jurisdictionKey,
  playerIdKey,
  stageKey,
} from './search-attributes.ts';

export const withdrawalWorkflowId = (withdrawalId: string) => `withdrawal:${withdrawalId}` as const;

/** The inverse; null for another workflow's id. */
export const withdrawalIdOf = (workflowId: string): string | null =>
  /^withdrawal:([0-9a-f-]{36})$/.exec(workflowId)?.[1] ?? null;

export type WithdrawalInput = {
  readonly withdrawalId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
};

export type WithdrawalView = {
  readonly withdrawalId: string;
  readonly state: WithdrawalState;
  readonly approvals: number;
  readonly approvalsRequired: number | null;
  readonly isCancellable: boolean;
};

export type DecisionInput = {
  readonly operatorId: string;
  /** The role that gave the right. */
  readonly role: string;
  readonly decision: 'approve' | 'refuse';
  readonly reason: string;
  /** Hex, of what the operator was shown. */
  readonly payloadHash: string;
};

/** Answers after the checks, or after 15 s. */
export const beginWithdrawal = defineUpdate<WithdrawalView>('begin');

/** One operator's decision; refused with `withdrawal-not-pending`, `already-decided`, `own-approval`. */
export const decideWithdrawal = defineUpdate<WithdrawalView, [DecisionInput]>('decide');

/** The player's change of mind, until the payout is submitted; refused with `withdrawal-not-pending`. */
export const cancelWithdrawal = defineUpdate<WithdrawalView>('cancel');

/** A PSP said something about a payout; the status is asked, nothing is taken from the notice. */
export const payoutNotified = defineSignal('payoutNotified');

/** Somebody decided about a match with a list; the row is read. */
export const screeningDecided = defineSignal('screeningDecided');

export const getWithdrawal = defineQuery<WithdrawalView>('getWithdrawal');

/** Start options by contract: one workflow per row, for ever. */
export const withdrawalStart = (input: WithdrawalInput) => ({
  workflowId: withdrawalWorkflowId(input.withdrawalId),
  taskQueue: taskQueues.money,
  args: [input] as [WithdrawalInput],
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

/**
 * The same for a run that follows the one that parked it: under the same id, so that decisions and notices find it. Whether
 * there is anything left to do the row says.
 */
export const withdrawalResumed = (input: WithdrawalInput) => ({
  ...withdrawalStart(input),
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
});
