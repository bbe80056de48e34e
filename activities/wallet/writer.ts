/**
 * The batch writer: game commands wait in a queue in this process and are written many at a time by one fenced
 * statement. It flushes as soon as a slot is free, so an idle wallet answers at once and a busy one in large batches.
 */
import type pg from 'pg';
import { isDatabaseUnavailable } from '#db/connect.ts';
import { assert, fail, succeed, type Failure, type Result } from '#domain/failures.ts';
import { referencedExternalId, type GameCommand } from '#domain/wallet/commands.ts';
import { decide, type JournalFacts } from '#domain/wallet/decide.ts';
import { playableBalance } from '#domain/wallet/state.ts';
import type { Units } from '#domain/money.ts';
import { factsKey, loadJournalFacts } from './journal-facts.ts';
import { addDecision, isBatchSound, openPlayerBatch, type PlayerBatch } from './player-batch.ts';
import { loadWallets, walletKey, type Execute, type LoadedWallet, type WalletId } from './wallet-rows.ts';
import { writeBatches } from './write-statement.ts';

export type WalletReply = {
  readonly journalId: string;
  /** True when the money id was processed before; nothing moved this time. */
  readonly repeated: boolean;
  /** Balance that can be staked after the command, units at ledger scale, never below zero. */
  readonly balance: Units;
};

/** A refusal carries the balance where the wallet is known, since some dialects must show it. */
export type WalletRefusal = Failure & { readonly balance: Units | null };

export type WalletWriter = {
  /** Submits one game command. Rejects only on a bug; an absent database is a `dependency-unavailable` failure. */
  submit(command: GameCommand): Promise<Result<WalletReply, WalletRefusal>>;
  /** Playable balance read from the primary. */
  balance(id: WalletId): Promise<Result<Units>>;
  /** Waits for what is queued, then stops. */
  close(): Promise<void>;
};

export type WalletWriterOptions = {
  readonly pool: pg.Pool;
  /** Statements in flight at once. Two were as good as three on two cores, one was worse. */
  readonly slots?: number;
  readonly batchCommandsMax?: number;
  /** Beyond this many waiting commands a new one is refused with `overloaded` before any effect. */
  readonly queueCommandsMax?: number;
  readonly walletsCachedMax?: number;
  readonly observe?: (kind: GameCommand['kind'], outcome: string, durationS: number) => void;
};

type Waiting = {
  readonly command: GameCommand;
  readonly resolve: (result: Result<WalletReply, WalletRefusal>) => void;
  readonly reject: (error: unknown) => void;
  /** How often its player's fence has moved under it. */
  attempts: number;
};

type Loaded = {
  readonly wallets: Map<string, LoadedWallet>;
  readonly facts: Map<string, JournalFacts>;
  /** Wallets that were read now rather than remembered. */
  readonly fresh: ReadonlySet<string>;
  /** Journal keys that were looked for, found or not. */
  readonly looked: ReadonlySet<string>;
};

/** A command that loses its fence this often meets a player busier than any person: it is told to come back. */
const attemptsMax = 20;

export function createWalletWriter(options: WalletWriterOptions): WalletWriter {
  const slots = options.slots ?? 2;
  const batchMax = options.batchCommandsMax ?? 256;
  const queueMax = options.queueCommandsMax ?? 4_096;
  const cache = new WalletCache(options.walletsCachedMax ?? 50_000);
  const execute: Execute = async (name, text, values) =>
    (await options.pool.query({ name, text, values: [...values] })).rows;
  const clock = new DatabaseClock(execute);

  const queue: Waiting[] = [];
  /** Players whose commands are being written: their next ones wait, so that order is kept and fences hold. */
  const busy = new Set<string>();
  let inFlight = 0;
  let closing: (() => void) | null = null;

  function take(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    for (const waiting of queue) {
      const key = walletKey(waiting.command.playerId, waiting.command.asset);
      if (taken.length < batchMax && !busy.has(key)) taken.push(waiting);
      else left.push(waiting);
    }
    queue.splice(0, queue.length, ...left);
    for (const waiting of taken) busy.add(walletKey(waiting.command.playerId, waiting.command.asset));
    return taken;
  }

  function pump(): void {
    while (inFlight < slots && queue.length > 0) {
      const taken = take();
      if (taken.length === 0) return;
      inFlight += 1;
      void flush(taken).finally(() => {
        for (const waiting of taken) busy.delete(walletKey(waiting.command.playerId, waiting.command.asset));
        inFlight -= 1;
        if (closing && inFlight === 0 && queue.length === 0) closing();
        pump();
      });
    }
  }

  async function flush(taken: readonly Waiting[]): Promise<void> {
    try {
      await write(taken);
    } catch (error) {
      for (const waiting of taken) cache.drop(walletKey(waiting.command.playerId, waiting.command.asset));
      if (isDatabaseUnavailable(error)) {
        clock.forget();
        for (const waiting of taken) waiting.resolve(unavailable());
        return;
      }
      // One command can poison a statement for all: each is tried alone, so that only the poison fails.
      if (taken.length === 1) {
        if (isUniqueViolation(error) && (taken[0]?.attempts ?? 0) < attemptsMax) requeue(taken);
        else taken[0]?.reject(error);
        return;
      }
      for (const waiting of taken) await flush([waiting]);
    }
  }

  /** Another process won a race: the commands are decided again on what is there now. */
  function requeue(lost: readonly Waiting[]): void {
    for (const waiting of lost) {
      waiting.attempts += 1;
      cache.drop(walletKey(waiting.command.playerId, waiting.command.asset));
    }
    const exhausted = lost.filter((waiting) => waiting.attempts >= attemptsMax);
    for (const waiting of exhausted) {
      waiting.resolve({ ok: false, failure: { ...fail('overloaded', 'This player is too busy right now.').failure, balance: null } });
    }
    queue.unshift(...lost.filter((waiting) => waiting.attempts < attemptsMax));
  }

  async function write(taken: readonly Waiting[]): Promise<void> {
    const nowMs = await clock.now();
    const { wallets, facts, fresh, looked } = await load(taken);
    const batches = new Map<string, PlayerBatch>();
    const answers: { waiting: Waiting; key: string; result: Result<WalletReply, WalletRefusal>; posted: boolean }[] = [];

    for (const waiting of taken) {
      const { command } = waiting;
      const key = walletKey(command.playerId, command.asset);
      const wallet = batches.get(key)?.after ?? wallets.get(key);
      if (!wallet) {
        answers.push({ waiting, key, posted: false, result: refusal(fail('wallet-not-found', 'There is no such wallet.').failure, null) });
        continue;
      }
      const referencedId = referencedExternalId(command);
      const decision = decide(wallet.state, command, {
        nowMs,
        existing: facts.get(factsKey(command.key.integration, command.key.externalId)) ?? null,
        referenced: referencedId === null ? null : (facts.get(factsKey(command.key.integration, referencedId)) ?? null),
      });
      const balance = playableBalance(wallet.state, nowMs);
      if (decision.kind === 'refuse') {
        answers.push({ waiting, key, posted: false, result: refusal(decision.failure, balance) });
      } else if (decision.kind === 'repeat') {
        answers.push({ waiting, key, posted: false, result: succeed({ journalId: decision.journalId, repeated: true, balance }) });
      } else {
        const batch = batches.get(key) ?? openPlayerBatch(wallet);
        batches.set(key, batch);
        const added = addDecision(batch, command, decision, nowMs);
        for (const fact of added.facts) facts.set(factsKey(command.key.integration, fact.externalId), fact);
        for (const journal of decision.journals) markReversed(facts, command.key.integration, journal.reverses);
        const after = playableBalance(batch.after.state, nowMs);
        answers.push({ waiting, key, posted: true, result: succeed({ journalId: added.journalId, repeated: false, balance: after }) });
      }
    }

    let written: ReadonlySet<string> = new Set();
    if (batches.size > 0) {
      for (const batch of batches.values()) assert(isBatchSound(batch), 'entries explain the change of every pool');
      const outcome = await writeBatches(execute, [...batches.values()], nowMs);
      clock.learn(outcome.nowMs);
      written = outcome.written;
      for (const [key, batch] of batches) if (written.has(key)) cache.put(key, batch.after);
    }
    // A held fence proves the state behind an answer. Where nothing was written, only a state read just now does, and
    // "no" also needs a look whether this very command was processed before. All else is decided again.
    const isProven = ({ waiting, key, posted }: (typeof answers)[number]): boolean => {
      const stateProven = batches.has(key) ? written.has(key) : fresh.has(key);
      return stateProven && (posted || looked.has(factsKey(waiting.command.key.integration, waiting.command.key.externalId)));
    };
    for (const answer of answers) if (isProven(answer)) answer.waiting.resolve(answer.result);
    requeue(answers.filter((answer) => !isProven(answer)).map(({ waiting }) => waiting));
  }

  /** Plain bets of cached wallets need no read at all: the statement itself probes for repeats. */
  async function load(taken: readonly Waiting[]): Promise<Loaded> {
    const wallets = new Map<string, LoadedWallet>();
    const missing = new Map<string, WalletId>();
    const keys = new Map<string, { integration: string; externalId: string }>();
    const seen = new Set<string>();
    for (const { command, attempts } of taken) {
      const key = walletKey(command.playerId, command.asset);
      const cached = cache.get(key);
      if (cached) wallets.set(key, cached);
      else missing.set(key, command);
      const { integration, externalId } = command.key;
      const own = factsKey(integration, externalId);
      const referenced = referencedExternalId(command);
      if (!cached || attempts > 0 || referenced !== null || seen.has(own)) keys.set(own, command.key);
      if (referenced !== null) keys.set(factsKey(integration, referenced), { integration, externalId: referenced });
      seen.add(own);
    }
    // Facts are read after the wallets: what happens in between moves a fence and is decided again.
    for (const [key, wallet] of missing.size > 0 ? await loadWallets(execute, [...missing.values()], false) : []) {
      wallets.set(key, wallet);
      cache.put(key, wallet);
    }
    return {
      wallets,
      facts: await loadJournalFacts(execute, [...keys.values()]),
      fresh: new Set(missing.keys()),
      looked: new Set(keys.keys()),
    };
  }

  return {
    submit(command) {
      if (closing || queue.length >= queueMax) {
        const failure = fail('overloaded', 'The wallet has more work than it can take; nothing was done.').failure;
        return Promise.resolve({ ok: false, failure: { ...failure, balance: null } });
      }
      const startedAt = performance.now();
      const done = new Promise<Result<WalletReply, WalletRefusal>>((resolve, reject) => {
        queue.push({ command, resolve, reject, attempts: 0 });
      });
      // Commands that arrive in the same turn of the event loop share a batch.
      queueMicrotask(pump);
      return options.observe ? done.then((result) => observed(command, result, startedAt)) : done;
    },
    async balance(id) {
      try {
        const wallets = await loadWallets(execute, [id], false);
        const wallet = wallets.get(walletKey(id.playerId, id.asset));
        if (!wallet) return fail('wallet-not-found', 'There is no such wallet.');
        return succeed(playableBalance(wallet.state, await clock.now()));
      } catch (error) {
        if (isDatabaseUnavailable(error)) return unavailable();
        throw error;
      }
    },
    async close() {
      if (inFlight === 0 && queue.length === 0) {
        closing = () => {};
        return;
      }
      await new Promise<void>((resolve) => {
        closing = resolve;
      });
    },
  };

  function observed(
    command: GameCommand,
    result: Result<WalletReply, WalletRefusal>,
    startedAt: number,
  ): Result<WalletReply, WalletRefusal> {
    const outcome = result.ok ? (result.value.repeated ? 'repeated' : 'posted') : result.failure.code;
    options.observe?.(command.kind, outcome, (performance.now() - startedAt) / 1_000);
    return result;
  }
}

const refusal = (failure: Failure, balance: Units | null): Result<never, WalletRefusal> => ({
  ok: false,
  failure: { ...failure, balance },
});

const unavailable = (): Result<never, WalletRefusal> =>
  refusal(fail('dependency-unavailable', 'The ledger does not answer; whether the command took effect is told by repeating it.').failure, null);

function markReversed(facts: Map<string, JournalFacts>, integration: string, journalId: string | null): void {
  if (journalId === null) return;
  for (const fact of facts.values()) {
    if (fact.id === journalId) facts.set(factsKey(integration, fact.externalId), { ...fact, reversed: true });
  }
}

const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && (error as { code?: unknown }).code === '23505';

/** The most recently used wallets. A stale one costs a second try, never a wrong write. */
class WalletCache {
  readonly #wallets = new Map<string, LoadedWallet>();
  readonly #sizeMax: number;
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }
  get(key: string): LoadedWallet | undefined {
    return this.#wallets.get(key);
  }
  put(key: string, wallet: LoadedWallet): void {
    this.#wallets.delete(key);
    this.#wallets.set(key, wallet);
    if (this.#wallets.size > this.#sizeMax) {
      const oldest = this.#wallets.keys().next().value;
      if (oldest !== undefined) this.#wallets.delete(oldest);
    }
  }
  drop(key: string): void {
    this.#wallets.delete(key);
  }
}

/** The database's clock, carried forward by this process's monotonic one. */
class DatabaseClock {
  readonly #execute: Execute;
  #offsetMs: number | null = null;
  constructor(execute: Execute) {
    this.#execute = execute;
  }
  async now(): Promise<number> {
    if (this.#offsetMs === null) {
      const [row] = await this.#execute('wallet-clock', 'select extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"', []);
      this.learn(Number(row?.['nowMs']));
    }
    return performance.now() + (this.#offsetMs ?? 0);
  }
  learn(nowMs: number): void {
    this.#offsetMs = nowMs - performance.now();
  }
  forget(): void {
    this.#offsetMs = null;
  }
}
