/** Bets, wins and rollbacks one by one: what is answered, what moves, and what the round and the award learn of it. */
import { describe, expect, test } from 'vitest';
import {
  referencedExternalId,
  type BetCommand,
  type GameCommand,
  type RollbackCommand,
  type WinCommand,
} from './commands.ts';
import { decide, type Decision, type DecisionContext, type JournalFacts } from './decide.ts';
import type { OriginalPosting, PoolBalances } from './postings.ts';
import type { LiveAward, WalletState } from './state.ts';

const nowMs = Date.UTC(2026, 10, 25, 12);
const counters = (units: bigint) => ({ day: units, week: units, month: units });
const wallet = (
  changes: Partial<Omit<WalletState, 'balances'>> = {},
  balances: Partial<PoolBalances> = {},
): WalletState => ({
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 100n, bonus: 0n, held: 0n, receivable: 0n, ...balances },
  playBlockedUntilMs: null,
  playBlockReason: null,
  sessionsValidFromMs: 0,
  limits: [],
  usage: { atMs: nowMs, stake: counters(0n), loss: counters(0n) },
  award: null,
  jurisdiction: 'MT',
  stakeMax: null,
  ...changes,
});
const award = (changes: Partial<LiveAward> = {}): LiveAward => ({
  id: 'a',
  wageringLeft: 50n,
  betMax: null,
  expiresAtMs: nowMs + 1,
  ...changes,
});

const facts = {
  key: { integration: 'i', externalId: 'x' },
  playerId: 'p',
  asset: 'EUR',
  game: 'g',
  round: 'r',
  roundClosed: false,
  fingerprint: 'ab',
  guardMs: 7,
};
const bet = (amount: bigint, changes: Partial<BetCommand> = {}): BetCommand => ({
  ...facts,
  kind: 'bet',
  amount,
  sessionIssuedAtMs: nowMs,
  sessionExpiresAtMs: nowMs + 1,
  contributionBps: 10_000,
  ...changes,
});
const win = (amount: bigint, changes: Partial<WinCommand> = {}): WinCommand => ({
  ...facts,
  kind: 'win',
  amount,
  betExternalId: 'b',
  ...changes,
});
const rollback = (changes: Partial<RollbackCommand> = {}): RollbackCommand => ({
  ...facts,
  kind: 'rollback',
  originalExternalId: 'b',
  ...changes,
});
const lines = (text: string): OriginalPosting[] =>
  text
    .split(', ')
    .filter(Boolean)
    .map((line) => {
      const [account = '', amount = ''] = line.split(' ');
      return { account, ofPlayer: !account.includes(':'), amount: BigInt(amount) };
    });
/** The id of a journal that was made at an instant. */
const idAt = (ms: number): string => {
  const at = ms.toString(16).padStart(12, '0');
  return `${at.slice(0, 8)}-${at.slice(8)}-7000-8000-000000000000`;
};
const journal = (
  code: JournalFacts['code'],
  moved: string,
  changes: Partial<JournalFacts> = {},
): JournalFacts => ({
  id: idAt(nowMs),
  externalId: 'b',
  code,
  playerId: 'p',
  asset: 'EUR',
  amount: 10n,
  fingerprint: 'cd',
  reversed: false,
  postings: lines(moved),
  ...changes,
});
const placed = journal('bet.place', 'cash -10, house:casino:gaming 10');

const run = (state: WalletState, command: GameCommand, context: Partial<DecisionContext> = {}): Decision => {
  const decision = decide(state, command, { nowMs, existing: null, referenced: null, ...context });
  if (decision.kind === 'refuse') expect(decision.failure.detail).toMatch(/^[A-Z].+\.$/);
  return decision;
};
const code = (...args: Parameters<typeof run>): string => {
  const decision = run(...args);
  return decision.kind === 'refuse' ? decision.failure.code : decision.kind;
};
const posted = (...args: Parameters<typeof run>): Extract<Decision, { kind: 'post' }> => {
  const decision = run(...args);
  if (decision.kind !== 'post') throw new Error(`not posted but ${JSON.stringify(decision)}`);
  return decision;
};
const told = ({ journals }: Extract<Decision, { kind: 'post' }>): string =>
  journals
    .flatMap(({ postings }) => postings)
    .map(({ account, amount }) => `${account} ${amount}`)
    .join(', ');

describe('a transaction that is known', () => {
  const commands = [bet(10n), win(10n), rollback()] as const;

  test('is answered as the first time, and other content or another player under its id is refused', () => {
    for (const command of commands) {
      const existing = { ...placed, fingerprint: 'ab' };
      expect(run(wallet(), command, { existing })).toEqual({ kind: 'repeat', journalId: placed.id });
      expect(code(wallet(), command, { existing: placed })).toBe('duplicate-transaction');
      expect(code(wallet(), command, { existing: { ...existing, playerId: 'q' } })).toBe(
        'duplicate-transaction',
      );
    }
    const texts = [placed, { ...placed, playerId: 'q' }].map((existing) => {
      const decision = run(wallet(), bet(1n), { existing });
      return decision.kind === 'refuse' && decision.failure.detail;
    });
    expect(new Set(texts).size).toBe(2);
  });

  test('was rolled back before it came: refused, or answered as done where the dialect wants that', () => {
    const existing = journal('bet.tombstone', '', { fingerprint: 'ab' });
    for (const command of [bet(10n), win(10n)]) {
      expect(code(wallet(), command, { existing })).toBe('transaction-rolled-back');
      expect(code(wallet(), { ...command, tolerateTombstone: false }, { existing })).toBe(
        'transaction-rolled-back',
      );
      expect(run(wallet(), { ...command, tolerateTombstone: true }, { existing })).toEqual({
        kind: 'repeat',
        journalId: placed.id,
      });
    }
    expect(run(wallet(), rollback(), { existing })).toEqual({ kind: 'repeat', journalId: placed.id });
    const other = { ...existing, fingerprint: 'cd' };
    expect(code(wallet(), rollback(), { existing: other })).toBe('duplicate-transaction');
    expect(
      code(wallet(), { ...bet(10n), tolerateTombstone: true }, { existing: { ...existing, playerId: 'q' } }),
    ).toBe('duplicate-transaction');
  });

  test('came by the same call under another id: it gets the first answer, and nobody else does', () => {
    for (const command of commands) {
      expect(run(wallet(), command, { calledBefore: placed })).toEqual({
        kind: 'repeat',
        journalId: placed.id,
      });
      expect(code(wallet(), command, { calledBefore: { ...placed, playerId: 'q' } })).toBe(
        'duplicate-transaction',
      );
    }
    expect(code(wallet(), bet(10n), { existing: placed, calledBefore: placed })).toBe(
      'duplicate-transaction',
    );
  });

  test('names what it refers to', () => {
    expect(referencedExternalId(bet(1n))).toBeNull();
    expect(referencedExternalId(win(1n))).toBe('b');
    expect(referencedExternalId(win(1n, { betExternalId: null }))).toBeNull();
    expect(referencedExternalId(rollback())).toBe('b');
  });
});

describe('a bet', () => {
  test('moves the stake, counts it in every window and opens its round', () => {
    const decision = posted(wallet(), bet(10n, { roundClosed: true }));
    expect(told(decision)).toBe('cash -10, house:casino:gaming 10');
    expect(decision.state.usage).toEqual({ atMs: nowMs, stake: counters(10n), loss: counters(10n) });
    expect(decision.round).toEqual({ staked: 10n, won: 0n, closes: true, guardMs: 7 });
    expect(decision.wageredAwardId).toBeNull();
    expect(decision.journals).toMatchObject([
      {
        externalId: 'x',
        code: 'bet.place',
        amount: 10n,
        fingerprint: 'ab',
        reverses: null,
        answers: null,
        details: null,
      },
    ]);
  });

  test('is not taken by a game that is withdrawn, by a wallet that does not cover it, or past a brake', () => {
    expect(code(wallet(), bet(10n, { isGameOpen: false }))).toBe('unknown-game');
    expect(code(wallet(), bet(10n, { isGameOpen: true }))).toBe('post');
    expect(code(wallet(), bet(100n))).toBe('post');
    expect(code(wallet(), bet(101n))).toBe('insufficient-funds');
    expect(code(wallet({ playBlockedUntilMs: nowMs + 1 }), bet(1n))).toBe('player-blocked');
  });

  test('takes bonus money only while its award lives', () => {
    const both = (award: LiveAward | null) => wallet({ award }, { cash: 4n, bonus: 6n });
    expect(told(posted(both(award()), bet(10n)))).toBe('cash -4, bonus -6, house:casino:gaming 10');
    expect(code(both(award({ expiresAtMs: nowMs })), bet(10n))).toBe('insufficient-funds');
    expect(code(both(null), bet(10n))).toBe('insufficient-funds');
  });

  test('feeds the pool of its game from real money only', () => {
    const jackpotShare = { pool: 'mega', contributionBps: 1_000 };
    const state = wallet({ award: award() }, { cash: 50n, bonus: 50n });
    expect(told(posted(state, bet(100n, { jackpotShare })))).toBe(
      'cash -50, bonus -50, house:casino:gaming 100, house:jackpot-cost -5, jackpot:mega 5',
    );
    expect(told(posted(state, bet(50n, { jackpotShare: null })))).toBe('cash -50, house:casino:gaming 50');
  });

  describe('while an award is wagered', () => {
    const after = (left: bigint, command: BetCommand) => {
      const decision = posted(wallet({ award: award({ wageringLeft: left }) }), command);
      return [
        decision.state.award?.wageringLeft,
        decision.wageredAwardId,
        decision.journals[0]?.details?.wagering ?? null,
      ];
    };

    test('brings its end nearer by the game’s share, and keeps by how much', () => {
      expect(after(50n, bet(10n))).toEqual([40n, null, { awardId: 'a', units: '10' }]);
      expect(after(50n, bet(10n, { contributionBps: 1_000 }))).toEqual([
        49n,
        null,
        { awardId: 'a', units: '1' },
      ]);
      expect(after(50n, bet(19n, { contributionBps: 1_000 }))).toEqual([
        49n,
        null,
        { awardId: 'a', units: '1' },
      ]);
      expect(after(50n, bet(9n, { contributionBps: 1_000 }))).toEqual([50n, null, null]);
      expect(after(50n, bet(10n, { contributionBps: 0 }))).toEqual([50n, null, null]);
    });

    test('completes it exactly once', () => {
      expect(after(50n, bet(49n))).toEqual([1n, null, { awardId: 'a', units: '49' }]);
      expect(after(50n, bet(50n))).toEqual([0n, 'a', { awardId: 'a', units: '50' }]);
      expect(after(50n, bet(60n))).toEqual([0n, 'a', { awardId: 'a', units: '50' }]);
      expect(after(0n, bet(60n))).toEqual([0n, null, null]);
    });

    test('does nothing for one that has run out', () => {
      const ended = award({ expiresAtMs: nowMs });
      const decision = posted(wallet({ award: ended }), bet(60n));
      expect(decision.state.award).toEqual(ended);
      expect(decision.wageredAwardId).toBeNull();
      expect(decision.journals[0]?.details).toBeNull();
    });

    test('keeps the words of the wire beside its progress', () => {
      const details = { wire: { note: 'n' } };
      const state = wallet({ award: award() });
      expect(posted(state, bet(10n, { details })).journals[0]?.details).toEqual({
        ...details,
        wagering: { awardId: 'a', units: '10' },
      });
      expect(posted(wallet(), bet(10n, { details })).journals[0]?.details).toEqual(details);
    });
  });
});

describe('a win', () => {
  test('answers its bet, lowers losses and no stakes, and is told to the round', () => {
    const decision = posted(wallet(), win(30n, { roundClosed: true }), { referenced: placed });
    expect(told(decision)).toBe('cash 30, house:casino:gaming -30');
    expect(decision.state.usage).toEqual({ atMs: nowMs, stake: counters(0n), loss: counters(-30n) });
    expect(decision.round).toEqual({ staked: 0n, won: 30n, closes: true, guardMs: 7 });
    expect(decision.journals).toMatchObject([
      { code: 'bet.win', amount: 30n, answers: placed.id, reverses: null },
    ]);
    expect(posted(wallet(), win(30n, { betExternalId: null })).journals[0]?.answers).toBeNull();
  });

  describe('of bonus money', () => {
    const stake = (changes: Partial<JournalFacts> = {}) =>
      journal('bet.place', 'cash -4, bonus -6, house:casino:gaming 10', {
        details: { bonusAward: 'a' },
        ...changes,
      });
    const paid = (state: WalletState, referenced: JournalFacts, changes: Partial<WinCommand> = {}) => {
      const decision = posted(state, win(30n, changes), { referenced });
      return [told(decision), decision.state.usage.loss.day];
    };

    test('goes to the award that staked it, to real money once that converted, and to nobody once it is gone', () => {
      const live = wallet({ award: award() });
      const other = wallet({ award: award({ id: 'b' }) });
      expect(paid(live, stake())).toEqual(['cash 12, bonus 18, house:casino:gaming -30', -30n]);
      for (const state of [wallet(), other]) {
        expect(paid(state, stake())).toEqual(['cash 30, house:casino:gaming -30', -30n]);
        const forfeited = stake({ awardForfeited: true });
        expect(paid(state, forfeited)).toEqual(['cash 12, house:casino:gaming -12', -12n]);
      }
      const late = wallet({ award: award({ expiresAtMs: nowMs }) });
      expect(paid(late, stake())).toEqual(['cash 12, house:casino:gaming -12', -12n]);
      // All of it was staked in time: it is about to convert, with what comes in the meantime.
      const wagered = wallet({ award: award({ expiresAtMs: nowMs, wageringLeft: 0n }) });
      expect(paid(wagered, stake())).toEqual(['cash 12, bonus 18, house:casino:gaming -30', -30n]);
    });

    test('tells by its progress where it was staked before its award was kept with it', () => {
      const before = { details: { wagering: { awardId: 'a', units: '10' } }, awardForfeited: true };
      expect(paid(wallet(), stake(before))).toEqual(['cash 12, house:casino:gaming -12', -12n]);
      const unknown = stake({ details: null, awardForfeited: true });
      expect(paid(wallet(), unknown)).toEqual(['cash 30, house:casino:gaming -30', -30n]);
      expect(paid(wallet({ award: award() }), unknown)[0]).toBe('cash 12, bonus 18, house:casino:gaming -30');
    });

    test('takes no more out of a pool than is paid', () => {
      const jackpotWin = { pool: 'mega', amount: 20n };
      const forfeited = stake({ awardForfeited: true });
      expect(paid(wallet(), forfeited, { jackpotWin })[0]).toBe('cash 12, jackpot:mega -12');
      const whole = journal('bet.place', 'bonus -10, house:casino:gaming 10', {
        details: { bonusAward: 'a' },
        awardForfeited: true,
      });
      expect(paid(wallet(), whole, { jackpotWin })).toEqual(['', 0n]);
    });

    test('is taken back as it was paid', () => {
      const won = journal('bet.win', 'cash 12, house:casino:gaming -12', { amount: 30n });
      const decision = posted(wallet(), rollback(), { referenced: won });
      expect(told(decision)).toBe('cash -12, house:casino:gaming 12');
      expect(decision.state.usage.loss.day).toBe(12n);
    });

    test('is taken back from the award that got it, as real money once that converted, and from no other award', () => {
      const got = { details: { bonusAward: 'a' } };
      const won = (changes: Partial<JournalFacts> = {}) =>
        journal('bet.win', 'cash 12, bonus 18, house:casino:gaming -30', { amount: 30n, ...got, ...changes });
      const gift = (changes: Partial<JournalFacts> = {}) =>
        journal('free.win', 'bonus 18, house:bonus-cost -18', {
          details: { wagering: { awardId: 'a', units: '10' } },
          ...changes,
        });
      const after = (live: LiveAward | null, referenced: JournalFacts, cash = 100n) =>
        told(posted(wallet({ award: live }, { cash, bonus: 50n }), rollback(), { referenced }));
      expect(after(award(), won())).toBe('cash -12, bonus -18, house:casino:gaming 30');
      // Out of time and not forfeited yet: the bonus money is still its own.
      expect(after(award({ expiresAtMs: nowMs }), won())).toBe('cash -12, bonus -18, house:casino:gaming 30');
      for (const other of [null, award({ id: 'b' })]) {
        expect(after(other, won({ awardForfeited: true }))).toBe('cash -12, house:casino:gaming 12');
        expect(after(other, won())).toBe('cash -30, house:casino:gaming 30');
        expect(after(other, won(), 20n)).toBe('cash -20, receivable -10, house:casino:gaming 30');
        expect(after(other, gift({ awardForfeited: true }))).toBe('');
        expect(after(other, gift())).toBe('cash -18, house:bonus-cost 18');
      }
      // Nobody knows which award got it, so none pays.
      expect(after(award(), won({ details: null }))).toBe('cash -12, house:casino:gaming 12');
    });

    test('is kept with the win that paid it', () => {
      const detailsOf = (state: WalletState, referenced: JournalFacts) =>
        posted(state, win(30n, { details: { wire: { w: 'x' } } }), { referenced }).journals[0]?.details;
      const live = wallet({ award: award() });
      expect(detailsOf(live, stake())).toStrictEqual({ wire: { w: 'x' }, bonusAward: 'a' });
      expect(detailsOf(live, stake({ details: null }))).toStrictEqual({ wire: { w: 'x' }, bonusAward: 'a' });
      expect(detailsOf(live, placed)).toStrictEqual({ wire: { w: 'x' } });
      expect(detailsOf(wallet(), stake())).toStrictEqual({ wire: { w: 'x' } });
    });

    test('does not come back as bonus money of another award', () => {
      const other = wallet({ award: award({ id: 'b' }) });
      expect(told(posted(other, rollback(), { referenced: stake() }))).toBe('cash 4, house:casino:gaming -4');
      expect(told(posted(wallet({ award: award() }), rollback(), { referenced: stake() }))).toBe(
        'cash 4, bonus 6, house:casino:gaming -10',
      );
    });

    test('is kept with the bet that took it', () => {
      const state = wallet({ award: award() }, { bonus: 50n });
      const detailsOf = (command: BetCommand) => posted(state, command).journals[0]?.details;
      expect(detailsOf(bet(120n, { contributionBps: 0 }))).toEqual({ bonusAward: 'a' });
      expect(detailsOf(bet(120n))).toEqual({
        wagering: { awardId: 'a', units: '50' },
        bonusAward: 'a',
      });
      expect(detailsOf(bet(100n, { contributionBps: 0 }))).toBeNull();
    });
  });

  test('counts in the windows of its own instant', () => {
    const dayBefore = nowMs - 86_400_000;
    const state = wallet({ usage: { atMs: dayBefore, stake: counters(5n), loss: counters(5n) } });
    expect(posted(state, win(2n), { referenced: placed }).state.usage).toEqual({
      atMs: nowMs,
      stake: { day: 0n, week: 5n, month: 5n },
      loss: { day: -2n, week: 3n, month: 3n },
    });
  });

  test('needs its bet: one of this wallet, a bet, and not undone', () => {
    const of = (referenced: JournalFacts | null) => code(wallet(), win(30n), { referenced });
    expect(of(null)).toBe('transaction-not-found');
    expect(of({ ...placed, playerId: 'q' })).toBe('transaction-not-found');
    expect(of({ ...placed, asset: 'USD' })).toBe('transaction-not-found');
    expect(of({ ...placed, code: 'bet.tombstone' })).toBe('transaction-rolled-back');
    expect(of({ ...placed, reversed: true })).toBe('transaction-rolled-back');
    expect(of({ ...placed, reversed: true, givenBack: true })).toBe('stake-returned');
    expect(of({ ...placed, code: 'bet.win' })).toBe('transaction-not-found');
    expect(of(placed)).toBe('post');
    const texts = [null, { ...placed, code: 'bet.win' as const }].map((referenced) => {
      const decision = run(wallet(), win(30n), { referenced });
      return decision.kind === 'refuse' && decision.failure.detail;
    });
    expect(new Set(texts).size).toBe(2);
  });

  test('is shared as its stake was while the award lives', () => {
    const mixed = journal(
      'bet.place',
      'cash -4, bonus -6, house:casino:gaming 10, house:jackpot-cost -1, jackpot:m 1',
    );
    const state = (live: LiveAward | null) => wallet({ award: live }, { cash: 0n });
    expect(told(posted(state(award()), win(10n), { referenced: mixed }))).toBe(
      'cash 4, bonus 6, house:casino:gaming -10',
    );
    expect(told(posted(state(award({ expiresAtMs: nowMs })), win(10n), { referenced: mixed }))).toBe(
      'cash 10, house:casino:gaming -10',
    );
    // A line of the house is no stake, whatever its account is called.
    const house = { account: 'bonus', ofPlayer: false, amount: -90n };
    const disguised = { ...mixed, postings: [...mixed.postings, house] };
    expect(told(posted(state(award()), win(10n), { referenced: disguised }))).toBe(
      'cash 4, bonus 6, house:casino:gaming -10',
    );
  });

  test('lets a pool pay its part, of free winnings, too', () => {
    const jackpotWin = { pool: 'mega', amount: 20n };
    expect(told(posted(wallet(), win(30n, { jackpotWin }), { referenced: placed }))).toBe(
      'cash 30, house:casino:gaming -10, jackpot:mega -20',
    );
    const free = win(30n, { jackpotWin, betExternalId: null, free: { terms: null } });
    expect(told(posted(wallet(), free))).toBe('cash 30, house:bonus-cost -10, jackpot:mega -20');
  });
});

describe('a win of a free round', () => {
  const terms = { awardId: 'new', wageringTimes: 20, betMax: 5n, expiresAtMs: nowMs + 1 };
  const freeBet = journal('bet.place', '', {
    amount: 0n,
    details: { free: { stake: '5', rewardId: null, campaignId: null, supplierPromo: false } },
  });

  test('leaves the limits alone and answers its bet', () => {
    const state = wallet({ usage: { atMs: nowMs - 1, stake: counters(5n), loss: counters(5n) } });
    const decision = posted(state, win(30n, { free: { terms: null }, details: { wire: { note: 'n' } } }), {
      referenced: freeBet,
    });
    expect(told(decision)).toBe('cash 30, house:bonus-cost -30');
    expect(decision.state.usage).toEqual(state.usage);
    expect(decision.round).toEqual({ staked: 0n, won: 30n, closes: false, guardMs: 7 });
    expect(decision.openedAward).toBeNull();
    expect(decision.journals).toMatchObject([
      { code: 'free.win', amount: 30n, answers: placed.id, reverses: null, details: { wire: { note: 'n' } } },
    ]);
    expect(
      posted(wallet(), win(30n, { free: { terms: null } }), { referenced: freeBet }).journals[0]?.details,
    ).toBeNull();
  });

  test('is one by its bet, when the wire does not say so', () => {
    const decision = posted(wallet(), win(30n), { referenced: freeBet });
    expect(decision.journals[0]?.code).toBe('free.win');
    expect(decision.state.balances.cash).toBe(130n);
    const { details: _none, ...plain } = freeBet;
    expect(posted(wallet(), win(30n), { referenced: plain }).journals[0]?.code).toBe('bet.win');
    expect(posted(wallet(), win(30n), { referenced: { ...freeBet, details: {} } }).journals[0]?.code).toBe(
      'bet.win',
    );
  });

  test('opens an award under its terms and keeps what it asks for', () => {
    const free = { free: { terms }, details: { wire: { note: 'n' } } };
    const decision = posted(wallet(), win(30n, free), { referenced: freeBet });
    expect(decision.state.award).toEqual({
      id: 'new',
      wageringLeft: 600n,
      betMax: 5n,
      expiresAtMs: nowMs + 1,
    });
    expect(decision.openedAward).toEqual({ ...decision.state.award, amount: 30n });
    expect(decision.journals[0]?.details).toEqual({
      wire: { note: 'n' },
      wagering: { awardId: 'new', units: '600' },
    });
    expect(
      posted(wallet(), win(30n, { free: { terms }, betExternalId: null })).journals[0]?.answers,
    ).toBeNull();
  });

  test('on a stake of real money is a plain win', () => {
    const decision = posted(wallet(), win(30n, { free: { terms } }), { referenced: placed });
    expect(told(decision)).toBe('cash 30, house:casino:gaming -30');
    expect(decision.journals[0]?.code).toBe('bet.win');
    expect(decision.state.award).toBeNull();
  });
});

describe('a rollback', () => {
  test('of a bet gives the stake back and frees stake and loss limits', () => {
    const state = wallet({ usage: { atMs: nowMs, stake: counters(10n), loss: counters(10n) } });
    const decision = posted(state, rollback({ roundClosed: true }), { referenced: placed });
    expect(told(decision)).toBe('cash 10, house:casino:gaming -10');
    expect(decision.state.usage).toEqual({ atMs: nowMs, stake: counters(0n), loss: counters(0n) });
    expect(decision.round).toEqual({ staked: -10n, won: 0n, closes: true, guardMs: 7 });
    expect(decision.wageredAwardId).toBeNull();
    expect(decision.journals).toMatchObject([
      { externalId: 'x', code: 'bet.rollback', amount: 10n, reverses: placed.id },
    ]);
  });

  test('of a win takes it back and counts the loss again, in the windows that had counted the win', () => {
    const won = journal('bet.win', 'cash 10, house:casino:gaming -10');
    const atMs = nowMs - 86_400_000;
    const state = wallet({ usage: { atMs, stake: counters(1n), loss: counters(1n) } }, { cash: 4n });
    const decision = posted(state, rollback(), { referenced: won });
    expect(told(decision)).toBe('cash -4, receivable -6, house:casino:gaming 10');
    expect(decision.state.usage).toEqual({
      atMs: nowMs,
      stake: { day: 0n, week: 1n, month: 1n },
      loss: { day: 10n, week: 11n, month: 11n },
    });
    expect(decision.round).toEqual({ staked: 0n, won: -10n, closes: false, guardMs: 7 });
  });

  test('of a free win takes it back to the bonus cost and leaves the limits alone', () => {
    const won = journal('free.win', 'cash 10, house:bonus-cost -8, jackpot:mega -2');
    const state = wallet({ usage: { atMs: nowMs - 1, stake: counters(1n), loss: counters(1n) } });
    const decision = posted(state, rollback(), { referenced: won });
    expect(told(decision)).toBe('cash -10, jackpot:mega 2, house:bonus-cost 8');
    expect(decision.state.usage).toEqual(state.usage);
    expect(decision.round).toEqual({ staked: 0n, won: -10n, closes: false, guardMs: 7 });
    expect(decision.journals).toMatchObject([{ code: 'free.rollback', amount: 10n, reverses: placed.id }]);
  });

  test('takes back what went into a pool with the bet', () => {
    const fed = journal(
      'bet.place',
      'cash -10, house:casino:gaming 10, house:jackpot-cost -1, jackpot:mega 1',
    );
    expect(told(posted(wallet(), rollback(), { referenced: fed }))).toBe(
      'cash 10, house:jackpot-cost 1, jackpot:mega -1, house:casino:gaming -10',
    );
  });

  test('gives bonus money back only while its award lives', () => {
    const mixed = journal('bet.place', 'cash -4, bonus -6, house:casino:gaming 10');
    const after = (live: LiveAward) =>
      posted(wallet({ award: live }, { cash: 0n }), rollback(), { referenced: mixed }).state.balances;
    expect(after(award())).toMatchObject({ cash: 4n, bonus: 6n });
    expect(after(award({ expiresAtMs: nowMs }))).toMatchObject({ cash: 4n, bonus: 0n });
  });

  test('of what is undone, or is no bet and no win, is done and moves nothing', () => {
    for (const referenced of [
      { ...placed, reversed: true },
      journal('bet.win', 'cash 10, house:casino:gaming -10', { reversed: true }),
      journal('bet.rollback', 'cash 10, house:casino:gaming -10'),
      journal('bet.tombstone', ''),
      journal('deposit.capture', 'cash 10, psp:a:clearing -10'),
    ]) {
      const decision = posted(wallet(), rollback({ roundClosed: true }), { referenced });
      expect(decision.journals).toMatchObject([
        { externalId: 'x', code: 'bet.rollback', amount: 0n, postings: [], reverses: null },
      ]);
      expect(decision.state).toEqual(wallet());
      expect(decision.round).toEqual({ staked: 0n, won: 0n, closes: true, guardMs: 7 });
    }
  });

  test('of another wallet’s transaction is refused', () => {
    expect(code(wallet(), rollback(), { referenced: { ...placed, playerId: 'q' } })).toBe(
      'duplicate-transaction',
    );
    expect(code(wallet(), rollback(), { referenced: { ...placed, asset: 'USD' } })).toBe(
      'duplicate-transaction',
    );
  });

  test('that comes before its original leaves a mark under the original’s id', () => {
    const decision = posted(wallet(), rollback({ roundClosed: true }));
    expect(decision.journals).toMatchObject([
      { externalId: 'x', code: 'bet.rollback', amount: 0n, postings: [], reverses: null, answers: null },
      { externalId: 'b', code: 'bet.tombstone', amount: 0n, postings: [], fingerprint: 'ab' },
    ]);
    expect(decision.round).toEqual({ staked: 0n, won: 0n, closes: true, guardMs: 7 });
    expect(posted(wallet(), rollback()).round).toBeNull();
    const own = posted(wallet(), rollback({ originalExternalId: 'x' }));
    expect(own.journals).toMatchObject([{ externalId: 'x', code: 'bet.tombstone' }]);
    expect(own.journals).toHaveLength(1);
  });

  describe('and the wagering of the award', () => {
    const wagering = { awardId: 'a', units: '10' };
    const bets = { ...placed, details: { wagering } };
    const gift = journal('free.win', 'bonus 10, house:bonus-cost -10', { details: { wagering } });
    const after = (live: LiveAward | null, referenced: JournalFacts) => {
      const decision = posted(wallet({ award: live }, { bonus: 10n }), rollback(), { referenced });
      return [decision.state.award?.wageringLeft, decision.wageredAwardId];
    };

    test('a bet’s progress goes back with it, as long as something is left to wager', () => {
      expect(after(award({ wageringLeft: 40n }), bets)).toEqual([50n, null]);
      expect(after(award({ wageringLeft: 0n }), bets)).toEqual([0n, null]);
      expect(after(award({ id: 'other', wageringLeft: 40n }), bets)).toEqual([40n, null]);
      expect(after(null, bets)).toEqual([undefined, null]);
      expect(after(award({ wageringLeft: 40n }), placed)).toEqual([40n, null]);
      expect(after(award({ wageringLeft: 40n }), { ...placed, details: null })).toEqual([40n, null]);
    });

    test('what a free win asked for goes with it, and the award may be complete by that', () => {
      expect(after(award({ wageringLeft: 40n }), gift)).toEqual([30n, null]);
      expect(after(award({ wageringLeft: 11n }), gift)).toEqual([1n, null]);
      expect(after(award({ wageringLeft: 10n }), gift)).toEqual([0n, 'a']);
      expect(after(award({ wageringLeft: 3n }), gift)).toEqual([0n, 'a']);
      expect(after(award({ wageringLeft: 0n }), gift)).toEqual([0n, null]);
    });
  });
});
