/** The optional sink on a real broker that is killed in the middle: everything arrives, each player's facts in order. */
import { Consumer, stringDeserializers } from '@platformatic/kafka';
import { pino } from 'pino';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { createMetrics } from '#workers/metrics.ts';
import { createKafkaSink, kafkaTopic } from '#workers/relay/kafka-sink.ts';
import { startLoop } from '#workers/relay/loop.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { findKafkaJars, startKafka } from './support/kafka-broker.ts';

const jars = await findKafkaJars();

async function appendFacts(database: TestDatabase, players: readonly string[], count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const playerId = players[index % players.length] ?? '';
    await database.db
      .transaction()
      .execute((trx) =>
        appendEvent(
          trx,
          { type: 'pam.email.verified', version: 1, brand: 'aurora', playerId, payload: { playerId } },
          { actor: { kind: 'system', id: 'test' }, subject: `player:${playerId}` },
        ),
      );
  }
}

type Heard = { readonly eventId: string; readonly key: string; readonly playerId: string };

const topicWithinMs = 60_000;

/** A broker that was killed before the first fact has no topic until one arrives. */
async function consumeOnceThere(consumer: Consumer<string, string, string, string>) {
  for (const startedAtMs = performance.now(); ; await delay(200))
    try {
      return await consumer.consume({ topics: [kafkaTopic], mode: 'earliest', autocommit: false });
    } catch (error) {
      if (!String(error).includes('Unknown topic') || performance.now() - startedAtMs > topicWithinMs)
        throw error;
    }
}

/** Reads until every expected fact was heard; repeats are kept, in their order. */
async function listen(broker: string, expected: ReadonlySet<string>): Promise<Heard[]> {
  const consumer = new Consumer({
    clientId: 'test',
    groupId: randomUUID(),
    bootstrapBrokers: [broker],
    deserializers: stringDeserializers,
  });
  const heard: Heard[] = [];
  const missing = new Set(expected);
  try {
    const stream = await consumeOnceThere(consumer);
    for await (const { key, value, headers } of stream) {
      const { eventId, playerId } = JSON.parse(String(value)) as { eventId: string; playerId: string };
      expect(String(headers.get('event-id'))).toBe(eventId);
      heard.push({ eventId, key: String(key), playerId });
      missing.delete(eventId);
      if (missing.size === 0) break;
    }
  } finally {
    await consumer.close(true);
  }
  return heard;
}

describe.skipIf(jars === null)('the Kafka sink', () => {
  test('delivers every fact, keyed by player and in order, although the broker is killed', async () => {
    const database = await createTestDatabase();
    const kafka = await startKafka(jars ?? '');
    const sink = createKafkaSink([kafka.broker]);
    const stop = new AbortController();
    const loop = startLoop(
      { db: database.db, log: pino({ level: 'silent' }), metrics: createMetrics() },
      { ...sink, blockRowsMax: 40 },
      stop.signal,
    );
    try {
      const players = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
      await appendFacts(database, players, 200);
      await kafka.process.kill9();
      await appendFacts(database, players, 100);
      await kafka.restart();
      await appendFacts(database, players, 20);
      const rows = await database.db
        .selectFrom('compliance.outbox')
        .select(['eventId', 'playerId'])
        .orderBy('id')
        .execute();
      const heard = await listen(kafka.broker, new Set(rows.map(({ eventId }) => eventId)));
      expect(heard.every(({ key, playerId }) => key === playerId)).toBe(true);
      for (const player of players) {
        const first = [
          ...new Set(heard.filter(({ playerId }) => playerId === player).map(({ eventId }) => eventId)),
        ];
        expect(first).toEqual(
          rows.filter(({ playerId }) => playerId === player).map(({ eventId }) => eventId),
        );
      }
    } finally {
      stop.abort();
      await loop.ended;
      await sink.close?.();
      await kafka.stop();
      await database.drop();
    }
  });
});
