/** How to start, steer and read the workflow of a deposit. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { MoneyText } from '#domain/money.ts';
import type { DepositState } from '#domain/payments/withdrawal-decision.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  amountKey,
  assetKey,
  brandKey,
  jurisdictionKey,
  playerIdKey,
  stageKey,
} from './search-attributes.ts';

export const depositWorkflowId = (depositId: string) => `deposit:${depositId}` as const;

/** The inverse; null for another workflow's id. */
export const depositIdOf = (workflowId: string): string | null =>
  /^deposit:([0-9a-f-]{36})$/.exec(workflowId)?.[1] ?? null;

/** Ids and money only; tokens and addresses stay in the row. */
export type DepositInput = {
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
  /** In the order in which they are tried. */
  readonly psps: readonly string[];
};

export type NextAction = { readonly type: 'redirect'; readonly url: string } | { readonly type: 'none' };

export type DepositView = {
  readonly depositId: string;
  readonly state: DepositState;
  readonly nextAction: NextAction;
};

/** Answers as soon as there is something to do for the player, or an end, or 15 s have passed. */
export const beginDeposit = defineUpdate<DepositView>('begin');

/** The player is back from the challenge; what came with the browser is in the row. */
export const completeAction = defineUpdate<DepositView>('completeAction');

/** `saysApproved` is missing where an older process sent it, and means yes then. */
export type PspNotice = { readonly attempt: number | null; readonly saysApproved?: boolean };

/** A PSP said something about an attempt (null: whichever); the status is asked, nothing is taken from the notice. */
export const pspNotified = defineSignal<[PspNotice]>('pspNotified');

export const getDeposit = defineQuery<DepositView>('getDeposit');

/**
 * Start options by contract: one workflow per row, for ever; only one that ended because it found no row may be
 * followed by another, when the row came later.
 */
export const depositStart = (input: DepositInput) => ({
  workflowId: depositWorkflowId(input.depositId),
  taskQueue: taskQueues.money,
  args: [input] as [DepositInput],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY' as const,
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
