/** The public face of the `registration` workflow: the clock of an account whose address is not verified yet. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, jurisdictionKey, playerIdKey, stageKey } from './search-attributes.ts';

export type RegistrationInput = {
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

export type RegistrationStage = 'waiting-for-verification' | 'verified' | 'closed';

export const registrationWorkflowId = (playerId: string) => `registration:${playerId}` as const;

/** A poke: the address may be verified. The workflow reads the database again. */
export const emailVerified = defineSignal('emailVerified');
/** The player asked for the mail again. */
export const verificationRequested = defineSignal('verificationRequested');
export const getRegistration = defineQuery<RegistrationStage>('getRegistration');

/** Start options by contract: one workflow per account, for ever. */
export const registrationStart = (input: RegistrationInput) => ({
  workflowId: registrationWorkflowId(input.playerId),
  taskQueue: taskQueues.player,
  args: [input] as [RegistrationInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: jurisdictionKey, value: input.jurisdiction },
    { key: stageKey, value: 'waiting-for-verification' satisfies RegistrationStage },
  ],
});
