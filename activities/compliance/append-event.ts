/** Writes a fact (outbox) and, for deeds, who did it (audit), in the caller's own transaction. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { payloadSchemas, type NewEvent } from '#domain/events.schema.ts';

/** Who acted. Operators and players by id, workflows by workflow id, processes by name. */
export type Actor =
  | { readonly kind: 'player' | 'operator' | 'workflow'; readonly id: string }
  | { readonly kind: 'system'; readonly id: string };

export type Deed = {
  readonly actor: Actor;
  /** `{noun}:{id}` of what was acted on. */
  readonly subject: string;
  /** Required by procedure for what an operator decides. */
  readonly reason?: string;
};

/**
 * Appends `event` to the outbox and, with `deed`, to the audit trail.
 * Throws when the payload does not fit its schema: that is a bug of the caller, and the transaction must not commit.
 */
export async function appendEvent(trx: Trx, event: NewEvent, deed: Deed): Promise<void> {
  const eventId = randomUUID();
  const payload = JSON.stringify(payloadSchemas[event.type].parse(event.payload));
  await sql`
    with fact as (
      insert into compliance.outbox (event_id, type, version, brand, player_id, occurred_at, payload)
      values (${eventId}, ${event.type}, ${event.version}, ${event.brand}, ${event.playerId}, now(), ${payload}::jsonb)
    )
    insert into compliance.audit (event_id, actor, action, subject, brand, player_id, reason, details)
    values (${eventId}, ${`${deed.actor.kind}:${deed.actor.id}`}, ${event.type}, ${deed.subject}, ${event.brand},
      ${event.playerId}, ${deed.reason ?? null}, ${payload}::jsonb)
  `.execute(trx);
}

/**
 * Appends many facts by one statement, without audit rows: for what follows mechanically from a deed that has its own,
 * such as the bets that a result settles. Throws when a payload does not fit its schema.
 */
export async function appendFacts(trx: Trx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const payloads = events.map((event) => JSON.stringify(payloadSchemas[event.type].parse(event.payload)));
  await sql`
    insert into compliance.outbox (event_id, type, version, brand, player_id, occurred_at, payload)
    select f.event_id, f.type, 1, f.brand, f.player_id, now(), f.payload::jsonb
    from unnest(${events.map(() => randomUUID())}::uuid[], ${events.map(({ type }) => type)}::text[],
      ${events.map(({ brand }) => brand)}::text[], ${events.map(({ playerId }) => playerId)}::uuid[], ${payloads}::text[])
      as f(event_id, type, brand, player_id, payload)
  `.execute(trx);
}

/** The same, not executed yet: for a statement of the caller's that writes what the facts are about. */
export const factInsert = (trx: Pick<Trx, 'insertInto'>, events: readonly NewEvent[]) =>
  trx.insertInto('compliance.outbox').values(
    events.map((event) => ({
      eventId: randomUUID(),
      type: event.type,
      version: event.version,
      brand: event.brand,
      playerId: event.playerId,
      occurredAt: sql<Date>`now()`,
      payload: JSON.stringify(payloadSchemas[event.type].parse(event.payload)),
    })),
  );
