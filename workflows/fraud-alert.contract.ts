/** How to start, poke and read the workflow of a fraud report. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { FraudAlertState } from '#domain/payments/fraud-alert.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey, stageKey } from './search-attributes.ts';

export type FraudAlertInput = {
  readonly alertId: string;
  readonly psp: string;
  readonly pspReference: string;
  /** 0 for the report itself; counted up when its refund came back after it had ended. */
  readonly reopened: number;
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

export const fraudAlertWorkflowId = ({
  psp,
  pspReference,
  reopened,
}: Pick<FraudAlertInput, 'psp' | 'pspReference' | 'reopened'>) =>
  reopened === 0
    ? (`fraud-alert:${psp}:${pspReference}` as const)
    : (`fraud-alert:${psp}:${pspReference}:r${reopened}` as const);

/** The row that an inbox row names as `fraud-alert:{id}`; null for another subject. */
export const fraudAlertIdOf = (subject: string): string | null =>
  /^fraud-alert:([0-9a-f-]{36})$/.exec(subject)?.[1] ?? null;

export type FraudAlertView = { readonly alertId: string; readonly state: FraudAlertState };

/** The PSP spoke of it, or a person decided; PSP and rows are asked, nothing is taken from the poke. */
export const fraudAlertNotified = defineSignal('fraudAlertNotified');

export const getFraudAlert = defineQuery<FraudAlertView>('getFraudAlert');

/** Start options by contract: one workflow per report of a PSP and reopening, for ever. */
export const fraudAlertStart = (input: FraudAlertInput) => ({
  workflowId: fraudAlertWorkflowId(input),
  taskQueue: taskQueues.money,
  args: [input] as [FraudAlertInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
    { key: stageKey, value: 'open' },
  ],
});
