/** Which facts start or signal which workflow, after they are committed. The relay is the only caller. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { EventType, NewEvent } from '#domain/events.schema.ts';
import { taskQueues } from '#domain/task-queues.ts';
import type { bonusAward } from '#workflows/bonus-award.ts';
import { awardWagered, bonusAwardWorkflowId } from '#workflows/bonus-award.contract.ts';
import { brandKey, playerIdKey, stageKey } from '#workflows/search-attributes.ts';
import { TypedSearchAttributes } from '@temporalio/common';

type EventOf<T extends EventType> = Extract<NewEvent, { type: T }>;

/** Delivers at least once: a route must be harmless when it is repeated. */
export type EventRoutes = {
  readonly [T in EventType]?: (client: Client, event: EventOf<T> & { readonly eventId: string }) => Promise<void>;
};

/** A workflow that was started before, running or ended, needs no second start: its row is its truth. */
export async function startOnce(start: Promise<unknown>): Promise<void> {
  try {
    await start;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** A poke to a workflow that has ended, or that a sweep will start, is not needed. */
export async function poke(signal: Promise<unknown>): Promise<void> {
  try {
    await signal;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

export const eventRoutes: EventRoutes = {
  'bonus.award.granted': (client, { payload, brand, playerId }) =>
    startOnce(
      client.workflow.start<typeof bonusAward>('bonusAward', {
        workflowId: bonusAwardWorkflowId(payload.awardId),
        taskQueue: taskQueues.money,
        args: [{ awardId: payload.awardId, playerId: playerId ?? '', brand }],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        typedSearchAttributes: new TypedSearchAttributes([
          { key: playerIdKey, value: playerId ?? '' },
          { key: brandKey, value: brand },
          { key: stageKey, value: 'wagering' },
        ]),
      }),
    ),
  'bonus.award.wagered': (client, { payload }) =>
    poke(client.workflow.getHandle(bonusAwardWorkflowId(payload.awardId)).signal(awardWagered)),
};
