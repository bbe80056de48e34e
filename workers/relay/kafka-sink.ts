/** Facts into Kafka, keyed by player so that each player's facts stay in order. Off unless brokers are configured. */
import type { Block, Fact, Sink } from './block.ts';

export const kafkaTopic = 'pitboss.events';

/**
 * An idempotent producer, acknowledged by all replicas. A crash between send and cursor repeats the block, so readers
 * see each fact at least once and tell repeats apart by the header `event-id`.
 */
export function createKafkaSink(brokers: readonly string[], topic = kafkaTopic): Sink {
  const opening = openProducer(brokers);
  return {
    name: 'kafka',
    blockRowsMax: 2_000,
    restMs: 0,
    deliver: async (block: Block) => {
      const producer = await opening;
      await producer.send({ messages: block.facts.map((fact) => toMessage(topic, fact)) });
    },
    close: async () => {
      const producer = await opening;
      await producer.close();
    },
  };
}

/** Loaded here, because a relay without Kafka would pay a second of its start for the client. */
async function openProducer(brokers: readonly string[]) {
  const { Producer, stringSerializers } = await import('@platformatic/kafka');
  return new Producer({
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
