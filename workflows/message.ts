/** Sends one mail that a fact asks for, or records that it could not be sent. */
import { ActivityFailure, proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { createMessageActivities } from '#activities/crm/messages.ts';
import { taskQueues } from '#domain/task-queues.ts';
import { insist } from './insist.ts';
import type { MessageInput, MessageStage } from './message.contract.ts';
import { database, notify } from './retry-profiles.ts';
import { stageKey } from './search-attributes.ts';

const { sendEmail } = proxyActivities<ReturnType<typeof createMessageActivities>>({
  ...notify,
  taskQueue: taskQueues.batch,
});
const { abandonEmail } = proxyActivities<ReturnType<typeof createMessageActivities>>({
  ...database,
  taskQueue: taskQueues.batch,
});

export async function message({ messageId, playerId, template }: MessageInput): Promise<MessageStage> {
  const order = { messageId, playerId, template };
  const stage = await sent();
  upsertSearchAttributes([{ key: stageKey, value: stage }]);
  return stage;

  async function sent(): Promise<MessageStage> {
    try {
      return (await sendEmail(order)).state;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return (await insist(() => abandonEmail(order))).state;
    }
  }
}
