/**
 * The batch writer: game commands wait in a queue in this process and are written many at a time by one fenced
 * statement. It flushes as soon as a slot is free, so an idle wallet answers at once and a busy one in large batches.
 */
import type pg from 'pg';
import { isDatabaseUnavailable } from '#db/connect.ts';
import type { Pipelines } from '#db/pipelines.ts';
import { assert, fail, succeed, type Result } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { GameCommand } from '#domain/wallet/commands.ts';
import { playableBalance } from '#domain/wallet/state.ts';
import {
  keyOfGroup,
  settleGroups,
  type CommandGroup,
  type GroupResult,
  type WalletRefusal,
  type WalletReply,
} from './command-groups.ts';
import { DatabaseClock, WalletCache } from './wallet-memory.ts';
import { loadWallets, walletKey, type Execute, type WalletId } from './wallet-rows.ts';

export type WalletWriter = {
  /** Submits one game command. Rejects only on a bug; an absent database is a `dependency-unavailable` failure. */
  submit(command: GameCommand): Promise<Result<WalletReply, WalletRefusal>>;
  /**
   * Submits commands of one player and asset that happen in order and all or none: an earlier win pays for a later
   * bet, and one refusal, named by its index, leaves no trace of the others.
   */
  submitBatch(commands: readonly GameCommand[]): Promise<GroupResult>;
  /** Playable balance read from the primary. */
  balance(id: WalletId): Promise<Result<Units>>;
  /** The database's clock, carried forward since the last batch: hardly ever a statement. Rejects while it cannot be read. */
  nowMs(): Promise<number>;
  /** Waits for what is queued, then stops. */
  close(): Promise<void>;
};

export type WalletWriterOptions = {
  readonly pool: pg.Pool;
  /** Where batches are written; without it on connections of `pool`, each of which waits for its answer. */
  readonly pipelines?: Pipelines;
  /**
   * Batches in flight at once: three in a pipeline, so that the server has its next one while this process reads and
   * answers the last; two without.
   */
  readonly slots?: number;
  readonly batchCommandsMax?: number;
  /** Beyond this many waiting groups a new one is refused with `overloaded` before any effect. */
  readonly queueGroupsMax?: number;
  readonly walletsCachedMax?: number;
  /** So long a batch waits for company where it must look at its wallets first: one look costs hardly less than many. */
  readonly gatherMs?: number;
  readonly observe?: (kind: GameCommand['kind'], outcome: string, durationS: number) => void;
};

type Waiting = CommandGroup & {
  readonly resolve: (result: GroupResult) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
};

/** A command that loses its fence this often meets a player busier than any person: it is told to come back. */
const attemptsMax = 20;

const lookAgainMs = 100;
/** A larger batch costs hardly less for each of its commands. */
const fullBatch = 24;
/** So many times the usual slots there are for full batches. */
const crowdedTimes = 3;
export function createWalletWriter(options: WalletWriterOptions): WalletWriter {
  const { pipelines } = options;
  const slots = options.slots ?? (pipelines ? 3 : 2);
  const crowdedSlots = pipelines ? slots * crowdedTimes : slots;
  const batchMax = options.batchCommandsMax ?? 256;
  const queueMax = options.queueGroupsMax ?? 4_096;
  const gatherMs = options.gatherMs ?? 4;
  const execute: Execute = async (name, text, values) =>
    (await options.pool.query({ name, text, values: [...values] })).rows;
  const cache = new WalletCache(options.walletsCachedMax ?? 250_000);
  const write: Execute = pipelines
    ? async (name, text, values) => (await pipelines.query({ name, text, values: [...values] })).rows
    : execute;
  const tools = { execute, write, cache, clock: new DatabaseClock(execute) };

  const queue: Waiting[] = [];
  /** Players whose commands are being written: their next ones wait, so that order is kept and fences hold. */
  const busy = new Set<string>();
  let inFlight = 0;
  /** Runs while the next batch waits for company. */
  let gathering: NodeJS.Timeout | undefined;
  let closing: (() => void) | null = null;

  /** A share of the queue in its order, with all that waits for the same players: nobody else may take that meanwhile. */
  function take(share: number): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const players = new Set<string>();
    let commands = 0;
    for (const waiting of queue) {
      const key = keyOfGroup(waiting);
      const fits = players.has(key) ? commands < batchMax : commands < share && !busy.has(key);
      if (fits) {
        taken.push(waiting);
        players.add(key);
        commands += waiting.commands.length;
      } else left.push(waiting);
    }
    queue.splice(0, queue.length, ...left);
    for (const key of players) busy.add(key);
    return taken;
  }

  /** Where other processes write to the same players, their batches keep PostgreSQL busy: ours had better be large. */
  const slotsNow = (): number => (cache.isTrusted ? slots : 1);

  /** What stands behind a lock takes nobody's turn, unless nothing moves at all: then the queue is where to wait. */
  const slotsFree = (): number =>
    Math.min(slotsNow() + (pipelines?.stalled() ?? 0), crowdedSlots + slots * 2) - inFlight;

  /** A queue that fills batches opens more slots: many batches in line run on smoothly where few large ones go in turns. */
  const opensSlot = (): boolean =>
    cache.isTrusted && inFlight < crowdedSlots && queue.length >= fullBatch && pipelines?.stalled() === 0;

  /**
   * How many commands the next batch takes; none while there is no slot. Each slot gets its share: one large batch would
   * let PostgreSQL and this process wait for each other in turn.
   */
  function shareNow(): number {
    if (queue.length === 0) return 0;
    const free = slotsFree();
    if (free <= 0 && !opensSlot()) return 0;
    const most = Math.max((cache.isTrusted ? crowdedSlots : 1) - inFlight, free, 1);
    const wanted = free > 0 ? Math.min(Math.ceil(queue.length / free), fullBatch) : fullBatch;
    return Math.min(batchMax, Math.max(Math.ceil(queue.length / most), wanted));
  }

  const waitsForCompany = (): boolean =>
    !cache.isTrusted && queue.length > 0 && queue.length < fullBatch && slotsFree() > 0;

  function pump(): void {
    if (waitsForCompany()) gathering ??= setTimeout(send, gatherMs);
    else send();
  }

  function send(): void {
    clearTimeout(gathering);
    gathering = undefined;
    for (let share = shareNow(); share > 0; share = shareNow()) {
      const taken = take(share);
      if (taken.length === 0) return;
      inFlight += 1;
      void flush(taken).finally(() => {
        for (const waiting of taken) busy.delete(keyOfGroup(waiting));
        inFlight -= 1;
        if (closing && inFlight === 0 && queue.length === 0) closing();
        pump();
      });
    }
    if (queue.length > 0 && pipelines) lookAgain();
  }

  /** Pumps once for however many ask before `schedule` comes to it. */
  function pumpBy(schedule: (run: () => void) => unknown): () => void {
    let isSet = false;
    const run = (): void => {
      isSet = false;
      pump();
    };
    return () => {
      if (isSet) return;
      isSet = true;
      schedule(run);
    };
  }

  /** After every connection that had something to read was read: what came together shares a batch. */
  const pumpSoon = pumpBy(setImmediate);
  /** Nothing tells that a line has stopped: nothing comes from it. */
  const lookAgain = pumpBy((run) => setTimeout(run, lookAgainMs).unref());

  async function flush(taken: readonly Waiting[]): Promise<void> {
    try {
      const { settled, again } = await settleGroups(tools, taken);
      for (const { group, result } of settled) group.resolve(result);
      requeue(again);
    } catch (error) {
      for (const waiting of taken) cache.drop(keyOfGroup(waiting));
      if (isDatabaseUnavailable(error)) {
        tools.clock.forget();
        for (const waiting of taken) waiting.resolve(unavailable);
        return;
      }
      const [alone] = taken;
      if (taken.length === 1 && alone) {
        if (isUniqueViolation(error)) requeue(taken);
        else alone.reject(error);
        return;
      }
      // One command can poison a statement for all: each is tried alone, so that only the poison fails.
      for (const waiting of taken) await flush([waiting]);
    }
  }

  /** Another process won a race, or memory was stale: the commands are decided again on what is there now. */
  function requeue(lost: readonly Waiting[]): void {
    for (const waiting of lost) {
      waiting.attempts += 1;
      cache.drop(keyOfGroup(waiting));
      if (waiting.attempts >= attemptsMax) waiting.resolve(overloaded('This player is too busy right now.'));
    }
    queue.unshift(...lost.filter((waiting) => waiting.attempts < attemptsMax));
  }

  function submitBatch(commands: readonly GameCommand[]): Promise<GroupResult> {
    const [first, ...rest] = commands;
    assert(first, 'a batch has at least one command');
    assert(
      rest.every(({ playerId, asset }) => playerId === first.playerId && asset === first.asset),
      'a batch has one wallet',
    );
    if (closing || queue.length >= queueMax) {
      options.observe?.(first.kind, 'overloaded', 0);
      return Promise.resolve(overloaded('The wallet has more work than it can take; nothing was done.'));
    }
    const startedAtMs = performance.now();
    const done = new Promise<GroupResult>((resolve, reject) => {
      queue.push({ commands: [first, ...rest], resolve, reject, attempts: 0 });
    });
    pumpSoon();
    const { observe } = options;
    return observe ? done.then((result) => tell(observe, first.kind, result, startedAtMs)) : done;
  }

  return {
    submitBatch,
    async submit(command) {
      const result = await submitBatch([command]);
      if (!result.ok) return result;
      const [reply] = result.value;
      assert(reply, 'one command has one reply');
      return succeed(reply);
    },
    async balance(id) {
      try {
        const wallets = await loadWallets(execute, [id], false);
        const wallet = wallets.get(walletKey(id.playerId, id.asset));
        if (!wallet) return fail('wallet-not-found', 'There is no such wallet.');
        return succeed(playableBalance(wallet.state, await tools.clock.nowMs()));
      } catch (error) {
        if (isDatabaseUnavailable(error)) return unavailable;
        throw error;
      }
    },
    nowMs: () => tools.clock.nowMs(),
    async close() {
      const drained = inFlight === 0 && queue.length === 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      closing = resolve;
      if (!drained) await promise;
    },
  };
}

function tell(
  observe: NonNullable<WalletWriterOptions['observe']>,
  kind: GameCommand['kind'],
  result: GroupResult,
  startedAtMs: number,
): GroupResult {
  const ended = result.ok
    ? result.value.every(({ repeated }) => repeated)
      ? 'repeated'
      : 'posted'
    : result.failure.code;
  observe(kind, ended, (performance.now() - startedAtMs) / 1_000);
  return result;
}

const failed = (failure: ReturnType<typeof fail>['failure']) =>
  ({ ok: false, failure: { ...failure, balance: null, index: 0 } }) as const;

const overloaded = (detail: string) => failed(fail('overloaded', detail).failure);

const unavailable = failed(
  fail(
    'dependency-unavailable',
    'The ledger does not answer; whether it took effect is told by repeating the command.',
  ).failure,
);

const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505';

export type { WalletRefusal, WalletReply } from './command-groups.ts';
