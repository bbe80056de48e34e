/** How to start, steer and read the workflow of a capture or void. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ModificationDecision } from '#activities/payments/modifications.ts';
import type { MoneyText } from '#domain/money.ts';
import type { ModificationState } from '#domain/payments/modification-state.ts';
import { taskQueues } from '#domain/task-queues.ts';
import {
  amountKey,
  assetKey,
  brandKey,
  jurisdictionKey,
  playerIdKey,
  stageKey,
} from './search-attributes.ts';

export type ModificationInput = {
  readonly modificationId: string;
  readonly depositId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly money: MoneyText;
};

export const modificationWorkflowId = (modificationId: string) => `modification:${modificationId}` as const;

/** The inverse; null for another workflow's id. */
export const modificationIdOf = (workflowId: string): string | null =>
  /^modification:([0-9a-f-]{36})$/.exec(workflowId)?.[1] ?? null;

export type ModificationView = { readonly modificationId: string; readonly state: ModificationState };

export type { ModificationDecision };

/** Answers when the PSP has answered, a second person is waited for, or after 15 s. */
export const beginModification = defineUpdate<ModificationView>('begin');

/** The second person's decision; refused with `modification-not-open`, `already-decided`, `own-approval`. */
export const decideModification = defineUpdate<ModificationView, [ModificationDecision]>('decide');

/** A PSP said something about it; the status is asked, nothing is taken from the notice. */
export const modificationNotified = defineSignal('modificationNotified');

export const getModification = defineQuery<ModificationView>('getModification');

/** Start options by contract: one workflow per row, for ever. */
export const modificationStart = (input: ModificationInput) => ({
  workflowId: modificationWorkflowId(input.modificationId),
  taskQueue: taskQueues.money,
  args: [input] as [ModificationInput],
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
