/** The public face of the `message` workflow: one mail, sent or recorded as failed. */
import type { TemplateName } from '#domain/crm/templates.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { brandKey, playerIdKey, stageKey } from './search-attributes.ts';

export type MessageInput = {
  readonly messageId: string;
  readonly playerId: string;
  readonly brand: string;
  readonly template: TemplateName;
};

export type MessageStage = 'queued' | 'sent' | 'failed' | 'not-needed';

export const messageWorkflowId = (messageId: string) => `message:${messageId}` as const;

/** Start options by contract: one workflow per message, for ever. */
export const messageStart = (input: MessageInput) => ({
  workflowId: messageWorkflowId(input.messageId),
  taskQueue: taskQueues.batch,
  args: [input] as [MessageInput],
  workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  typedSearchAttributes: [
    { key: playerIdKey, value: input.playerId },
    { key: brandKey, value: input.brand },
    { key: stageKey, value: 'queued' satisfies MessageStage },
  ],
});
