/** Which facts start or signal which workflow, after they are committed. The relay is the only caller. */
import type { Client } from '@temporalio/client';
import type { EventType, NewEvent } from '#domain/events.schema.ts';

type EventOf<T extends EventType> = Extract<NewEvent, { type: T }>;

/** Delivers at least once: a route must be harmless when it is repeated. */
export type EventRoutes = {
  readonly [T in EventType]?: (client: Client, event: EventOf<T> & { readonly eventId: string }) => Promise<void>;
};

export const eventRoutes: EventRoutes = {};
