/** The unit of delivery: a run of facts whose bounds are stored before it is sent, so that a retry is identical. */
import type { EventType, NewEvent } from '#domain/events.schema.ts';

/** A committed fact as it lies in the outbox. */
export type Fact = NewEvent & {
  readonly eventId: string;
  readonly xid: string;
  readonly id: bigint;
  /** UTC with microseconds, `2026-11-24 12:00:00.000000`. */
  readonly occurredAt: string;
};

/** Place of a fact: transaction ids order blocks, since a lower id may commit later. */
export type Position = { readonly xid: string; readonly id: bigint };

export type Block = {
  /** Grows when the database is restored into a cluster whose transaction ids start again. */
  readonly epoch: number;
  readonly first: Position;
  readonly last: Position;
  readonly facts: readonly Fact[];
};

/** Where facts go. A sink throws to have the identical block again; it must make that harmless. */
export interface Sink {
  readonly name: string;
  readonly blockRowsMax: number;
  /** Rest after a block that was not full, where larger blocks are cheaper than more of them. */
  readonly restMs: number;
  /** Runs once before the first block, again after a failure. */
  prepare?(): Promise<void>;
  deliver(block: Block): Promise<void>;
  close?(): Promise<void>;
}

/** One relay carries the whole outbox; player shards get numbers of their own. */
const shard = 0;

/** Names a block for the receiver: the same bounds always give the same token. */
export const deduplicationToken = ({ epoch, first, last }: Block): string =>
  `${shard}:${epoch}:${first.xid}.${first.id}..${last.xid}.${last.id}`;

export const isFactOf = <T extends EventType>(fact: Fact, type: T): fact is Extract<Fact, { type: T }> =>
  fact.type === type;
