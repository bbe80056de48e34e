/** Facts into Temporal: an event's route starts or pokes its workflow after the commit. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Database } from '#db/connect.ts';
import { eventRoutes, type EventRoutes } from '../event-routes.ts';
import { isTemporalUnavailable } from '../temporal-client.ts';
import type { Block, Fact, Sink } from './block.ts';

export type TemporalSinkDeps = {
  readonly db: Database;
  readonly log: Logger;
  readonly temporal: () => Promise<Client>;
  readonly routes?: EventRoutes;
};

/** A fact that fails this often for a reason of its own becomes a dead letter, so that those behind it go on. */
const attemptsMax = 5;
const playersAtOnce = 25;

export function createTemporalSink({ db, log, temporal, routes = eventRoutes }: TemporalSinkDeps): Sink {
  const attempts = new Map<string, number>();

  const tell = async (client: Client, fact: Fact): Promise<void> => {
    try {
      await follow(routes, client, fact);
      attempts.delete(fact.eventId);
    } catch (error) {
      if (isTemporalUnavailable(error)) throw error;
      const attempt = (attempts.get(fact.eventId) ?? 0) + 1;
      attempts.set(fact.eventId, attempt);
      log.error({ error, eventId: fact.eventId, type: fact.type, attempt }, 'an event route failed');
      if (attempt < attemptsMax) throw error;
      await setAside(db, fact, error);
      attempts.delete(fact.eventId);
    }
  };

  return {
    name: 'temporal',
    blockRowsMax: 1_000,
    restMs: 100,
    deliver: async (block: Block) => {
      const routed = block.facts.filter(({ type }) => routes[type] !== undefined);
      if (routed.length === 0) return;
      const client = await temporal();
      const failures = await eachPlayer(routed, (fact) => tell(client, fact));
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** The route of a type takes facts of that type: both come from the one union, which the compiler cannot follow here. */
async function follow(routes: EventRoutes, client: Client, fact: Fact): Promise<void> {
  const route = routes[fact.type] as ((client: Client, fact: Fact) => Promise<void>) | undefined;
  await route?.(client, fact);
}

/** Facts of one player in their order, players side by side. Gives what failed after everything was tried. */
async function eachPlayer(facts: readonly Fact[], tell: (fact: Fact) => Promise<void>): Promise<unknown[]> {
  const lanes = [...Map.groupBy(facts, ({ playerId, eventId }) => playerId ?? eventId).values()];
  const failures: unknown[] = [];
  const walk = async (): Promise<void> => {
    for (let lane = lanes.shift(); lane !== undefined; lane = lanes.shift()) {
      try {
        for (const fact of lane) await tell(fact);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(playersAtOnce, lanes.length) }, walk));
  return failures;
}

async function setAside(db: Database, fact: Fact, error: unknown): Promise<void> {
  await db
    .insertInto('compliance.relayDeadLetter')
    .values({
      sink: 'temporal',
      eventId: fact.eventId,
      type: fact.type,
      reason: (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 500),
    })
    .onConflict((on) => on.columns(['sink', 'eventId']).doNothing())
    .execute();
}
