/** Providers under way: clients that play rounds, cut connections, repeat themselves and read balances, and write all of it down. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callerDialects, newMovement, type Movement, type WalletCaller } from './wallet-caller.ts';
import type { Attempt, BalanceRead, History } from './wallet-history.ts';
import type { RigPlayer } from './wallet-rig.ts';

export type LoadPlan = {
  readonly caller: WalletCaller;
  readonly players: readonly RigPlayer[];
  readonly apiUrls: readonly string[];
  readonly clients: number;
  /** Printed by whoever fails; it decides what is played, not when the machine gets to it. */
  readonly seed: number;
  /** Of a hundred calls, how many the client cuts, and how many it sends twice. */
  readonly cutPercent: number;
  readonly duplicatePercent: number;
};

export type Load = {
  readonly history: History;
  /** Acknowledged calls so far. */
  acknowledged(): number;
  /** No new rounds; resolves when every movement that was begun has an answer. Tells those that never got one. */
  stop(): Promise<readonly Movement[]>;
  /** Sends a movement again, and writes it down. */
  repeat(movement: Movement): Promise<Attempt>;
  /** Movements with an answer, oldest first. */
  readonly settled: readonly Movement[];
};

const cent = 10n ** 10n;
const retryPauseMs = 150;
/** Longer than any outage of a test. */
const giveUpAfterMs = 60_000;
const cutMsMax = 50;

export function startLoad(plan: LoadPlan): Load {
  const attempts: Attempt[] = [];
  const reads: BalanceRead[] = [];
  const settled: Movement[] = [];
  const unsettled: Movement[] = [];
  let stopping = false;
  let acknowledged = 0;
  let turn = 0;
  const apiUrl = () => plan.apiUrls[turn++ % plan.apiUrls.length] ?? '';

  async function attempt(movement: Movement, cutAfterMs?: number): Promise<Attempt> {
    const made = await plan.caller.call(apiUrl(), movement, cutAfterMs === undefined ? {} : { cutAfterMs });
    attempts.push(made);
    if (made.outcome === 'ok') acknowledged += 1;
    return made;
  }

  /** Until somebody knows. After an unknown outcome a refusal does not say that nothing happened, so the bet is taken back. */
  async function settle(movement: Movement, random: Random): Promise<Attempt['outcome']> {
    const isCut = random.percent(plan.cutPercent);
    const isTwice = random.percent(plan.duplicatePercent);
    const deadline = performance.now() + giveUpAfterMs;
    const twin = isTwice ? attempt(movement) : null;
    let made = await attempt(movement, isCut ? random.below(cutMsMax) : undefined);
    let unknown = made.outcome === 'info';
    while (made.outcome === 'info' && performance.now() < deadline) {
      await delay(retryPauseMs);
      made = await attempt(movement);
    }
    unknown ||= (await twin)?.outcome === 'info';
    (made.outcome === 'info' ? unsettled : settled).push(movement);
    if (made.outcome === 'fail' && unknown && movement.kind === 'bet')
      await settle(undoing(movement), random);
    return made.outcome;
  }

  async function playRound(random: Random): Promise<void> {
    const player = random.of(plan.players);
    const dialect = random.of(callerDialects);
    // Now and then more than anybody has.
    const cents = random.percent(8) ? 100_000_000 : 1 + random.below(500);
    const bet = newMovement({ dialect, kind: 'bet', player, amount: BigInt(cents) * cent });
    if (random.percent(5)) {
      await Promise.all([settle(bet, random), settle(undoing(bet), random)]);
      return;
    }
    if ((await settle(bet, random)) !== 'ok') return;
    const fate = random.below(10);
    if (fate < 7) {
      const amount = BigInt(random.below(cents * 2)) * cent;
      const { round, externalId: reference } = bet;
      await settle(newMovement({ dialect, kind: 'win', player, amount, round, reference }), random);
    } else if (fate < 9) await settle(undoing(bet), random);
  }

  async function client(index: number): Promise<void> {
    const random = createRandom(plan.seed * 1_000 + index);
    while (!stopping) {
      if (!random.percent(25)) {
        await playRound(random);
        continue;
      }
      const read = await plan.caller.readBalance(
        apiUrl(),
        random.of(plan.players),
        random.of(callerDialects),
      );
      if (read) reads.push(read);
      else await delay(retryPauseMs);
    }
  }

  const clients = Array.from({ length: plan.clients }, (_, index) => client(index));
  return {
    history: { attempts, reads },
    settled,
    acknowledged: () => acknowledged,
    repeat: (movement) => attempt(movement),
    async stop() {
      stopping = true;
      await Promise.all(clients);
      return unsettled;
    },
  };
}

const undoing = (movement: Movement): Movement => ({
  ...movement,
  kind: 'rollback',
  externalId: randomUUID(),
  reference: movement.externalId,
});

/** Writes the history where it can be looked at, one line an attempt; answers with the file. */
export function keepHistory({ attempts, reads }: History): string {
  const file = join(mkdtempSync(join(tmpdir(), 'pitboss-history-')), 'history.jsonl');
  const lines = [...attempts, ...reads].map((line) =>
    JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

export type Random = {
  /** A whole number from 0 up to, and without, the bound. */
  below(bound: number): number;
  percent(share: number): boolean;
  of<T>(items: readonly T[]): T;
};

/** The same numbers for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    below,
    percent: (share) => next() * 100 < share,
    of<T>(items: readonly T[]): T {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('There is nothing to choose from.');
      return item;
    },
  };
}
