/** Facts into Kafka, keyed by player so that each player's facts stay in order. Off unless brokers are configured. */
import { Producer, stringSerializers } from '@platformatic/kafka';
import type { Block, Fact, Sink } from './block.ts';

export const kafkaTopic = 'pitboss.events';

/**
 * An idempotent producer, acknowledged by all replicas. A crash between send and cursor repeats the block, so readers
 * see each fact at least once and tell repeats apart by the header `event-id`.
 */
export function createKafkaSink(brokers: readonly string[], topic = kafkaTopic): Sink {
  const producer = new Producer({
    clientId: 'pitboss-relay',
    bootstrapBrokers: [...brokers],
    serializers: stringSerializers,
    idempotent: true,
    acks: -1,
    autocreateTopics: true,
    connectTimeout: 3_000,
    timeout: 10_000,
    retries: 3,
  });
  return {
    name: 'kafka',
    blockRowsMax: 2_000,
    restMs: 0,
    deliver: async (block: Block) => {
      await producer.send({ messages: block.facts.map((fact) => toMessage(topic, fact)) });
    },
    close: async () => {
      await producer.close();
    },
  };
}

const toMessage = (topic: string, fact: Fact) => ({
  topic,
  key: fact.playerId ?? fact.brand,
  value: JSON.stringify({
    eventId: fact.eventId,
    type: fact.type,
    version: fact.version,
    brand: fact.brand,
    playerId: fact.playerId,
    occurredAt: `${fact.occurredAt.replace(' ', 'T')}Z`,
    payload: fact.payload,
  }),
  headers: { 'event-id': fact.eventId, type: fact.type },
});
