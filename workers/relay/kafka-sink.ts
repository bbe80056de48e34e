/** Facts into Kafka, keyed by player so that each player's facts stay in order. Off unless brokers are configured. */
import type { Block, Fact, Sink } from './block.ts';

export const kafkaTopic = 'pitboss.events';

/** What the sink needs of a producer. */
export type EventProducer = {
  readonly send: (options: { messages: ReturnType<typeof toMessage>[] }) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
};

/**
 * An idempotent producer, acknowledged by all replicas. A crash between send and cursor repeats the block, so readers
 * see each fact at least once and tell repeats apart by the header `event-id`.
 *
 * A producer that has failed is not used again: a broker that fenced it, or lost its place in the sequence, refuses it for
 * ever, and after a lost answer its count may be one that the broker never saw. The next try opens another one, with a
 * sequence from zero, and the relay gives it the identical block.
 */
export function createKafkaSink(
  brokers: readonly string[],
  topic = kafkaTopic,
  open: () => Promise<EventProducer> = () => openProducer(brokers),
): Sink {
  let current: Promise<EventProducer> | undefined;
  const retire = async (): Promise<void> => {
    const producer = current;
    current = undefined;
    // What it says at its end is of no interest: the error that ended it has been told.
    await producer?.then((one) => one.close()).catch(() => {});
  };
  return {
    name: 'kafka',
    blockRowsMax: 2_000,
    restMs: 0,
    deliver: async (block: Block) => {
      try {
        const producer = await (current ??= open());
        await producer.send({ messages: block.facts.map((fact) => toMessage(topic, fact)) });
      } catch (error) {
        await retire();
        throw error;
      }
    },
    close: retire,
  };
}

/** Loaded here, because a relay without Kafka would pay a second of its start for the client. */
async function openProducer(brokers: readonly string[]): Promise<EventProducer> {
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
