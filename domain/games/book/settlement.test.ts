/** Properties of what bets pay: exact, independent of order, and a correction ends where the final result would have. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../wallet/decide.ts';
import type { WalletState } from '../../wallet/state.ts';
import { cashOutValue } from './cash-out.ts';
import { factorOf, type LegOutcome } from './leg-outcome.ts';
import { oddsMax, oddsMin, type Odds } from './odds.ts';
import { payoutOf, potentialPayout, resultOf, settle, type BetTerms, type Paid } from './settlement.ts';

const cent = 10n ** 10n;
const euro = 100n * cent;

const odds = fc.bigInt({ min: oddsMin, max: oddsMax });
const outcome: fc.Arbitrary<LegOutcome> = fc.oneof(
  fc.constantFrom<LegOutcome>(
    { result: 'won' },
    { result: 'lost' },
    { result: 'void' },
    { result: 'half-won' },
    { result: 'half-lost' },
  ),
  fc
    .record({ sharedBy: fc.integer({ min: 2, max: 20 }), places: fc.integer({ min: 1, max: 19 }) })
    .filter(({ sharedBy, places }) => places < sharedBy)
    .map((shared): LegOutcome => ({ result: 'dead-heat', ...shared })),
);
const stake = fc.bigInt({ min: 1n, max: 10_000_00n }).map((cents) => cents * cent);
const noCap = 10n ** 60n;

const slip = fc
  .array(fc.record({ odds, outcome }), { minLength: 1, maxLength: 12 })
  .chain((legs) => fc.record({ legs: fc.constant(legs), stake }));

type Slip = { readonly legs: readonly { odds: Odds; outcome: LegOutcome }[]; readonly stake: bigint };

const termsOf = ({ legs, stake: staked }: Slip, payoutMax = noCap): BetTerms => ({
  stake: staked,
  payoutMax,
  payableUnit: cent,
  odds: legs.map((leg) => leg.odds),
});
const outcomesOf = ({ legs }: Slip): LegOutcome[] => legs.map((leg) => leg.outcome);
const shuffled = <T>(items: readonly T[], order: readonly number[]): T[] =>
  items
    .map((item, index) => ({ item, at: order[index % order.length] ?? 0, index }))
    .toSorted((left, right) => left.at - right.at || left.index - right.index)
    .map(({ item }) => item);

describe('a payout', () => {
  test('of the book’s words is what a bettor expects', () => {
    const pays = (price: Odds, of: LegOutcome): bigint =>
      payoutOf({ stake: 10n * euro, payoutMax: noCap, payableUnit: cent, odds: [price] }, [of]);
    expect(pays(2_500n, { result: 'won' })).toBe(25n * euro);
    expect(pays(2_500n, { result: 'lost' })).toBe(0n);
    expect(pays(2_500n, { result: 'void' })).toBe(10n * euro);
    expect(pays(2_500n, { result: 'half-won' })).toBe((175n * euro) / 10n);
    expect(pays(2_500n, { result: 'half-lost' })).toBe(5n * euro);
    expect(pays(2_500n, { result: 'dead-heat', sharedBy: 2, places: 1 })).toBe((125n * euro) / 10n);
    // 25 ÷ 3 is 8.33 and a residue that stays with the house.
    expect(pays(2_500n, { result: 'dead-heat', sharedBy: 3, places: 1 })).toBe(833n * cent);
  });

  test('does not depend on the order of legs', () => {
    fc.assert(
      fc.property(slip, fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), (one, order) => {
        const other = { ...one, legs: shuffled(one.legs, order) };
        expect(payoutOf(termsOf(other), outcomesOf(other))).toBe(payoutOf(termsOf(one), outcomesOf(one)));
      }),
    );
  });

  test('is payable, never negative, and never above what was promised', () => {
    fc.assert(
      fc.property(slip, (one) => {
        const paid = payoutOf(termsOf(one), outcomesOf(one));
        expect(paid % cent).toBe(0n);
        expect(paid).toBeGreaterThanOrEqual(0n);
        const promised = potentialPayout(one.stake, termsOf(one).odds, cent);
        expect(paid).toBeLessThanOrEqual(promised);
      }),
    );
  });

  test('is rounded down by less than one payable unit', () => {
    fc.assert(
      fc.property(slip, (one) => {
        // Independently: whole fractions over one denominator, by cross-multiplication.
        let num = one.stake;
        let den = 1n;
        for (const leg of one.legs) {
          const factor = factorOf(leg.outcome, leg.odds);
          num *= factor.num;
          den *= factor.den;
        }
        const paid = payoutOf(termsOf(one), outcomesOf(one));
        expect(paid * den).toBeLessThanOrEqual(num);
        expect((paid + cent) * den).toBeGreaterThan(num);
      }),
    );
  });

  test('of a bet whose every leg is void is the stake, to the unit', () => {
    fc.assert(
      fc.property(slip, (one) => {
        const result = resultOf(
          termsOf(one),
          one.legs.map(() => ({ result: 'void' as const })),
        );
        expect(result).toEqual({ payout: one.stake, outcome: 'void' });
      }),
    );
  });

  test('stops at the cap', () => {
    fc.assert(
      fc.property(slip, fc.bigInt({ min: 1n, max: 1_000_00n }), (one, cents) => {
        const paid = payoutOf(termsOf(one, cents * cent), outcomesOf(one));
        expect(paid).toBeLessThanOrEqual(cents * cent);
      }),
    );
  });
});

describe('a result', () => {
  test('is known when every leg is, or when one of them is lost', () => {
    fc.assert(
      fc.property(slip, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (one, isKnown) => {
        const seen = outcomesOf(one).map((each, leg) => (isKnown[leg] === true ? each : null));
        const result = resultOf(termsOf(one), seen);
        const isDecided = seen.every((each) => each !== null) || seen.some((each) => each?.result === 'lost');
        expect(result !== null).toBe(isDecided);
        if (seen.some((each) => each?.result === 'lost')) expect(result?.payout).toBe(0n);
      }),
    );
  });

  test('after any number of corrections leaves what settling by the last one alone would', () => {
    fc.assert(
      fc.property(
        slip,
        fc.array(fc.array(outcome, { minLength: 12, maxLength: 12 }), { maxLength: 6 }),
        (one, said) => {
          const history = [outcomesOf(one), ...said.map((each) => each.slice(0, one.legs.length))];
          const terms = termsOf(one);
          let paid: Paid = { settlementVersion: 0, payout: 0n, isVoid: false };
          let moved = 0n;
          for (const outcomes of history) {
            const result = resultOf(terms, outcomes);
            if (result === null) throw new Error('every leg is known');
            const step = settle(paid, result);
            moved += step.delta;
            paid = { settlementVersion: step.version, payout: step.payout, isVoid: step.outcome === 'void' };
          }
          const last = resultOf(terms, history.at(-1) ?? []);
          expect(paid.payout).toBe(last?.payout);
          expect(moved).toBe(last?.payout);
          expect(paid.settlementVersion).toBe(history.length);
        },
      ),
    );
  });

  test('on the wallet: settled, corrected and corrected again, the player has what the last result says, less what he owes', () => {
    fc.assert(
      fc.property(
        slip,
        fc.array(fc.array(outcome, { minLength: 12, maxLength: 12 }), { maxLength: 4 }),
        fc.bigInt({ min: 0n, max: 1_000_00n }),
        (one, said, spentCents) => {
          const terms = termsOf(one);
          let state = placed(one.stake);
          const spent = spentCents * cent;
          let paid: Paid = { settlementVersion: 0, payout: 0n, isVoid: false };
          let spentSoFar = 0n;
          for (const each of [outcomesOf(one), ...said]) {
            const result = resultOf(terms, each.slice(0, one.legs.length));
            if (result === null) throw new Error('every leg is known');
            const step = settle(paid, result);
            const isVoid = step.outcome === 'void';
            if (step.code !== null)
              state = pay(state, step.code, step.delta, one.stake, step.version, paid.isVoid, isVoid);
            paid = { settlementVersion: step.version, payout: step.payout, isVoid: step.outcome === 'void' };
            // The player withdraws what is there, up to a sum.
            const taken = state.balances.cash < spent ? state.balances.cash : spent;
            state = { ...state, balances: { ...state.balances, cash: state.balances.cash - taken } };
            spentSoFar += taken;
          }
          const { cash, receivable } = state.balances;
          expect(cash + receivable + spentSoFar).toBe(paid.payout);
          expect(cash).toBeGreaterThanOrEqual(0n);
          expect(receivable).toBeLessThanOrEqual(0n);
          expect(state.usage.loss.day).toBe(one.stake - paid.payout);
          expect(state.usage.stake.day).toBe(paid.isVoid ? 0n : one.stake);
        },
      ),
    );
  });
});

const nowMs = Date.UTC(2026, 10, 24, 12);

/** A player who had exactly his stake and has placed it. */
function placed(staked: bigint): WalletState {
  const usage = { day: 0n, week: 0n, month: 0n };
  const state: WalletState = {
    playerId: 'p',
    asset: 'EUR',
    brand: 'aurora',
    balances: { cash: staked, bonus: 0n, held: 0n, receivable: 0n },
    playBlockedUntilMs: null,
    playBlockReason: null,
    sessionsValidFromMs: Number.NEGATIVE_INFINITY,
    limits: [],
    usage: { atMs: nowMs, stake: usage, loss: usage },
    award: null,
    jurisdiction: 'MT',
    stakeMax: null,
  };
  const decision = decide(
    state,
    {
      kind: 'book-stake',
      key: { integration: 'pitboss', externalId: 'bet:1:stake' },
      playerId: 'p',
      asset: 'EUR',
      amount: staked,
      fingerprint: 'ab',
      subject: 'bet:1',
      sessionIssuedAtMs: nowMs,
      sessionExpiresAtMs: nowMs + 1,
    },
    { nowMs, existing: null, referenced: null },
  );
  if (decision.kind !== 'post') throw new Error(decision.kind);
  return decision.state;
}

function pay(
  state: WalletState,
  code: 'book.settle' | 'book.void' | 'book.correct' | 'book.cash-out',
  delta: bigint,
  staked: bigint,
  version: number,
  wasVoid = false,
  isVoid = false,
): WalletState {
  const decision = decide(
    state,
    {
      kind: 'book-pay',
      code,
      key: { integration: 'pitboss', externalId: `bet:1:settle:v${version}` },
      playerId: 'p',
      asset: 'EUR',
      delta,
      stake: staked,
      placedAtMs: nowMs,
      settledAtMs: version > 1 ? nowMs : null,
      wasVoid,
      isVoid,
      answers: 'stake',
      fingerprint: 'ab',
      subject: 'bet:1',
    },
    { nowMs, existing: null, referenced: null },
  );
  if (decision.kind !== 'post') throw new Error(decision.kind);
  return decision.state;
}

describe('a cash-out', () => {
  const terms: BetTerms = { stake: 10n * euro, payoutMax: noCap, payableUnit: cent, odds: [2_000n, 3_000n] };

  test('is the fair value at the prices of now less the margin, rounded down', () => {
    expect(
      cashOutValue(terms, [
        { outcome: null, oddsNow: 2_000n },
        { outcome: null, oddsNow: 3_000n },
      ]),
    ).toBe(950n * cent);
    expect(cashOutValue(terms, [{ outcome: { result: 'won' } }, { outcome: null, oddsNow: 1_700n }])).toBe(
      3_352n * cent,
    );
  });

  test('is not offered on a lost leg, without a price, or when nothing is open', () => {
    expect(cashOutValue(terms, [{ outcome: { result: 'lost' } }, { outcome: null, oddsNow: 3_000n }])).toBe(
      null,
    );
    expect(
      cashOutValue(terms, [
        { outcome: null, oddsNow: null },
        { outcome: null, oddsNow: 3_000n },
      ]),
    ).toBe(null);
    expect(cashOutValue(terms, [{ outcome: { result: 'won' } }, { outcome: { result: 'won' } }])).toBe(null);
  });

  test('is never above what the bet can still pay', () => {
    fc.assert(
      fc.property(stake, odds, odds, (staked, taken, now) => {
        const single = { stake: staked, payoutMax: noCap, payableUnit: cent, odds: [taken] };
        const value = cashOutValue(single, [{ outcome: null, oddsNow: now }]);
        expect(value ?? 0n).toBeLessThanOrEqual(potentialPayout(staked, [taken], cent));
      }),
    );
  });
});
