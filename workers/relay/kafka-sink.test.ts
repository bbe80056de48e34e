/** The Kafka sink after errors that end a producer: another one takes its place and nothing is left out. */
import { ProtocolError } from '@platformatic/kafka';
import { describe, expect, test } from 'vitest';
import type { Block } from './block.ts';
import { createKafkaSink, type EventProducer } from './kafka-sink.ts';

const blockOf = (...eventIds: string[]): Block => ({
  epoch: 1,
  first: { xid: '1', id: 1n },
  last: { xid: '1', id: BigInt(eventIds.length) },
  facts: eventIds.map((eventId, index) => ({
    eventId,
    type: 'pam.email.verified',
    version: 1,
    brand: 'aurora',
    playerId: 'p-1',
    payload: { playerId: 'p-1' },
    xid: '1',
    id: BigInt(index),
    occurredAt: '2026-11-24 10:00:00.000000',
  })),
});

/** A broker that has given up one producer for good: whatever that one sends, it answers the same error. */
function broker() {
  const taken: string[] = [];
  const state = { opened: 0, closed: 0, nextError: null as Error | null };
  const open = (): Promise<EventProducer> => {
    state.opened += 1;
    let fatal: Error | null = null;
    return Promise.resolve({
      send: async ({ messages }) => {
        fatal ??= state.nextError;
        state.nextError = null;
        if (fatal !== null) throw fatal;
        taken.push(...messages.map(({ headers }) => headers['event-id']));
      },
      close: async () => {
        state.closed += 1;
        if (fatal !== null) throw fatal;
      },
    });
  };
  return { taken, state, open };
}

describe('the Kafka sink', () => {
  test.each([
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'PRODUCER_FENCED',
    'INVALID_PRODUCER_EPOCH',
    'UNKNOWN_PRODUCER_ID',
  ] as const)(
    'after %s sends the same block again through a new producer, which is kept from then on',
    async (code) => {
      const { taken, state, open } = broker();
      const sink = createKafkaSink([], undefined, open);
      await sink.deliver(blockOf('a'));
      state.nextError = new ProtocolError(code);
      await expect(sink.deliver(blockOf('b', 'c'))).rejects.toThrow();
      // The relay has not moved its cursor: the identical block comes again.
      await sink.deliver(blockOf('b', 'c'));
      await sink.deliver(blockOf('d'));
      expect(taken).toEqual(['a', 'b', 'c', 'd']);
      expect(state).toMatchObject({ opened: 2, closed: 1 });
      await sink.close?.();
      expect(state.closed).toBe(2);
    },
  );

  test('a lost connection is no reason to believe a half-sent sequence: the next try begins a new one', async () => {
    const { taken, state, open } = broker();
    const sink = createKafkaSink([], undefined, open);
    state.nextError = new Error('the connection was lost');
    await expect(sink.deliver(blockOf('a'))).rejects.toThrow('lost');
    await sink.deliver(blockOf('a'));
    expect(taken).toEqual(['a']);
  });

  test('a producer that cannot even be opened is opened again at the next try', async () => {
    const { taken, open } = broker();
    let isAway = true;
    const sink = createKafkaSink([], undefined, () =>
      isAway ? Promise.reject(new Error('no broker')) : open(),
    );
    await expect(sink.deliver(blockOf('a'))).rejects.toThrow('no broker');
    isAway = false;
    await sink.deliver(blockOf('a'));
    expect(taken).toEqual(['a']);
  });
});
