/** What limits have counted, whatever is undone and whenever: each window holds what was staked and won in it and still stands. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BookCommand } from './book-commands.ts';
import { referencedExternalId, type GameCommand } from './commands.ts';
import { decide, type JournalFacts } from './decide.ts';
import { rollUsage } from './play-rules.ts';
import { limitWindows, type LimitWindow, type WalletState } from './state.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const startMs = Date.UTC(2026, 10, 25, 12);
const none = { day: 0n, week: 0n, month: 0n };
const facts = { playerId: 'p', asset: 'EUR', fingerprint: 'ab' };
const game = { ...facts, game: 'g', round: 'r', roundClosed: false, guardMs: 0 };

const idAt = (ms: number, serial: number): string => {
  const at = ms.toString(16).padStart(12, '0');
  return `${at.slice(0, 8)}-${at.slice(8)}-7000-8000-${serial.toString(16).padStart(12, '0')}`;
};

/** The reducer, a clock that only goes forward, and the journals that later commands refer to. */
class Player {
  nowMs = startMs;
  readonly journals = new Map<string, JournalFacts>();
  state: WalletState = {
    playerId: 'p',
    asset: 'EUR',
    brand: 'aurora',
    balances: { cash: 10_000n, bonus: 0n, held: 0n, receivable: 0n },
    playBlockedUntilMs: null,
    playBlockReason: null,
    sessionsValidFromMs: Number.NEGATIVE_INFINITY,
    limits: [],
    usage: { atMs: startMs, stake: none, loss: none },
    award: null,
    jurisdiction: 'MT',
    stakeMax: null,
  };

  run(command: GameCommand | BookCommand): string {
    const name = referencedExternalId(command);
    const referenced = name === null ? null : (this.journals.get(name) ?? null);
    const decision = decide(this.state, command, { nowMs: this.nowMs, existing: null, referenced });
    if (decision.kind !== 'post') return decision.kind === 'refuse' ? decision.failure.code : decision.kind;
    this.state = decision.state;
    for (const { externalId, code, amount, postings, reverses } of decision.journals) {
      if (referenced && reverses !== null)
        this.journals.set(referenced.externalId, { ...referenced, reversed: true });
      this.journals.set(externalId, {
        ...facts,
        id: idAt(this.nowMs, this.journals.size),
        externalId,
        code,
        amount,
        reversed: false,
        postings: postings.map((line) => ({ ...line, ofPlayer: line.side === 'player' })),
      });
    }
    return 'posted';
  }

  bet(externalId: string, amount: bigint): string {
    return this.run({
      ...game,
      kind: 'bet',
      key: { integration: 'i', externalId },
      amount,
      sessionIssuedAtMs: Number.POSITIVE_INFINITY,
      sessionExpiresAtMs: Number.POSITIVE_INFINITY,
      contributionBps: 0,
    });
  }

  win(externalId: string, amount: bigint): string {
    return this.run({
      ...game,
      kind: 'win',
      key: { integration: 'i', externalId },
      amount,
      betExternalId: null,
    });
  }

  undo(originalExternalId: string): string {
    const key = { integration: 'i', externalId: `undo:${originalExternalId}` };
    return this.run({ ...game, kind: 'rollback', key, originalExternalId });
  }

  voidBook(bet: { externalId: string; amount: bigint; atMs: number }): string {
    return this.settleBook(
      { ...bet, version: 0, paid: 0n, isVoid: false, settledAtMs: null },
      bet.amount,
      true,
    );
  }

  settleBook(bet: BookBet, payout: bigint, isVoid: boolean): string {
    const delta = payout - bet.paid;
    if (delta === 0n && isVoid === bet.isVoid) return 'nothing';
    const first = isVoid ? 'book.void' : 'book.settle';
    return this.run({
      ...facts,
      kind: 'book-pay',
      code: bet.version > 0 ? 'book.correct' : first,
      key: { integration: 'pitboss', externalId: `${bet.externalId}:v${bet.version + 1}` },
      subject: bet.externalId,
      delta,
      stake: bet.amount,
      placedAtMs: bet.atMs,
      settledAtMs: bet.settledAtMs,
      wasVoid: bet.isVoid,
      isVoid,
      answers: 'stake',
    });
  }
}

type BookBet = {
  readonly externalId: string;
  readonly amount: bigint;
  readonly atMs: number;
  readonly version: number;
  readonly paid: bigint;
  readonly isVoid: boolean;
  readonly settledAtMs: number | null;
};

test('yesterday’s bet that is rolled back today frees nothing of today’s limits', () => {
  for (const kind of ['stake', 'loss'] as const) {
    const player = new Player();
    player.state = { ...player.state, limits: [{ kind, window: 'day', amount: 100n }] };
    expect(player.bet('yesterday', 50n)).toBe('posted');
    player.nowMs += dayMs;
    expect(player.undo('yesterday')).toBe('posted');
    expect(player.bet('too much', 101n)).toBe('play-limit-exceeded');
    expect(player.bet('today', 100n)).toBe('posted');
    expect(player.undo('today')).toBe('posted');
    expect(player.bet('again', 100n)).toBe('posted');
  }
});

test('yesterday’s sports bet that turns out void frees nothing of today’s limits', () => {
  for (const kind of ['stake', 'loss'] as const) {
    const player = new Player();
    const bet = { externalId: 'yesterday', amount: 50n, atMs: player.nowMs };
    expect(player.bet(bet.externalId, bet.amount)).toBe('posted');
    player.nowMs += dayMs;
    player.state = { ...player.state, limits: [{ kind, window: 'day', amount: 100n }] };
    expect(player.voidBook(bet)).toBe('posted');
    expect(player.bet('too much', 101n)).toBe('play-limit-exceeded');
    expect(player.bet('today', 100n)).toBe('posted');
  }
});

/** A calendar of the test's own: the first instant of the window in UTC. */
function windowStart(window: LimitWindow, atMs: number): number {
  const at = new Date(atMs);
  const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
  if (window === 'day') return midnight;
  if (window === 'week') return midnight - ((at.getUTCDay() + 6) % 7) * dayMs;
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
}

test('each window counts exactly the stakes and wins of its own time that still stand', () => {
  const step = fc.record({
    waitH: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 24 * 20 })),
    what: fc.constantFrom('bet', 'win', 'undo', 'void'),
    amount: fc.bigInt({ min: 1n, max: 100n }),
    pick: fc.nat(1_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const player = new Player();
      const standing: { what: string; externalId: string; amount: bigint; atMs: number }[] = [];
      for (const [index, { waitH, what, amount, pick }] of steps.entries()) {
        player.nowMs += waitH * hourMs;
        const externalId = `${what}-${index}`;
        if (what === 'bet' || what === 'win') {
          if ((what === 'bet' ? player.bet(externalId, amount) : player.win(externalId, amount)) === 'posted')
            standing.push({ what, externalId, amount, atMs: player.nowMs });
          continue;
        }
        const choice = standing[pick % Math.max(1, standing.length)];
        if (!choice || (what === 'void' && choice.what !== 'bet')) continue;
        const answer = what === 'undo' ? player.undo(choice.externalId) : player.voidBook(choice);
        expect(answer).toBe('posted');
        standing.splice(standing.indexOf(choice), 1);
      }
      const usage = rollUsage(player.state.usage, player.nowMs);
      for (const window of limitWindows) {
        const from = windowStart(window, player.nowMs);
        const sum = (kind: string): bigint =>
          standing.reduce(
            (total, one) => (one.what === kind && one.atMs >= from ? total + one.amount : total),
            0n,
          );
        expect(usage.stake[window]).toBe(sum('bet'));
        expect(usage.loss[window]).toBe(sum('bet') - sum('win'));
      }
    }),
    { numRuns: 500 },
  );
});

test('a sports bet that was void and is then lost takes its stake and its loss again', () => {
  for (const kind of ['stake', 'loss'] as const) {
    const player = new Player();
    player.state = { ...player.state, limits: [{ kind, window: 'day', amount: 100n }] };
    const bet = { externalId: 'b', amount: 60n, atMs: player.nowMs, settledAtMs: null };
    expect(player.bet(bet.externalId, bet.amount)).toBe('posted');
    expect(player.settleBook({ ...bet, version: 0, paid: 0n, isVoid: false }, 60n, true)).toBe('posted');
    const settled = { ...bet, settledAtMs: player.nowMs, version: 1, paid: 60n, isVoid: true };
    expect(player.settleBook(settled, 0n, false)).toBe('posted');
    expect(player.bet('too much', 41n)).toBe('play-limit-exceeded');
    expect(player.bet('all that is left', 40n)).toBe('posted');
  }
});

test('after any corrections of a sports bet limits have counted what the last result alone would have made them count', () => {
  const result = fc.record({
    waitH: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 24 * 20 })),
    // A stake of 60: void, lost, its half, itself without being void, and more.
    said: fc.constantFrom<[bigint, boolean]>(
      [60n, true],
      [0n, false],
      [30n, false],
      [60n, false],
      [90n, false],
    ),
  });
  fc.assert(
    fc.property(fc.array(result, { minLength: 1, maxLength: 7 }), (results) => {
      const corrected = new Player();
      const told = new Player();
      const last = results.at(-1);
      if (!last) return;
      for (const player of [corrected, told]) {
        player.bet('b', 60n);
        const bet = { externalId: 'b', amount: 60n, atMs: player.nowMs };
        let paid = 0n;
        let isVoid = false;
        let settledAtMs: number | null = null;
        for (const [version, { waitH, said }] of results.entries()) {
          player.nowMs += waitH * hourMs;
          const [payout, saysVoid] = player === told ? last.said : said;
          player.settleBook({ ...bet, version, paid, isVoid, settledAtMs }, payout, saysVoid);
          settledAtMs ??= player.nowMs;
          [paid, isVoid] = [payout, saysVoid];
        }
      }
      const usageOf = (player: Player) => rollUsage(player.state.usage, player.nowMs);
      expect(usageOf(corrected)).toEqual(usageOf(told));
      expect(corrected.state.balances).toEqual(told.state.balances);
    }),
    { numRuns: 1_000 },
  );
});
