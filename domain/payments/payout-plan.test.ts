import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orThrow } from '../failures.ts';
import { planPayout, plannedLegsMax, skipsSources, type PayoutSource } from './payout-plan.ts';
import { spreadFee, withdrawalFee } from './withdrawal-fee.ts';

const cent = 10n ** 10n;
const source = (instrumentId: string | null, cents: bigint, isPayable = true): PayoutSource => ({
  instrumentId,
  net: cents * cent,
  isPayable,
});
const plan = (amount: bigint, sources: readonly PayoutSource[], namedInstrumentId = 'account', fee = 0n) =>
  planPayout({ amount: amount * cent, fee: fee * cent, unit: cent, namedInstrumentId, sources });
const shares = (...asked: Parameters<typeof plan>) =>
  orThrow(plan(...asked)).map(
    (leg) => `${leg.instrumentId}:${(leg.amount - leg.fee) / cent}+${leg.fee / cent}`,
  );

describe('a payout plan', () => {
  it('pays back to what paid in, the oldest first, and the rest to the named account', () => {
    expect(shares(500n, [source('a', 100n), source('b', 250n)])).toEqual([
      'a:100+0',
      'b:250+0',
      'account:150+0',
    ]);
  });

  it('begins with the named instrument, which also takes the rest', () => {
    expect(shares(500n, [source('a', 100n), source('b', 250n)], 'b')).toEqual(['b:400+0', 'a:100+0']);
    expect(shares(250n, [source('a', 100n), source('b', 250n)], 'b')).toEqual(['b:250+0']);
  });

  it('leaves out what cannot be paid to, and says so', () => {
    const sources = [source('expired', 100n, false), source(null, 50n), source('b', 20n)];
    expect(shares(60n, sources)).toEqual(['b:20+0', 'account:40+0']);
    expect(skipsSources(orThrow(plan(60n, sources)), sources)).toBe(true);
    expect(skipsSources(orThrow(plan(20n, sources)), sources)).toBe(false);
  });

  it('spreads the fee over its legs and refuses one that leaves nothing', () => {
    expect(shares(100n, [source('a', 30n)], 'account', 10n)).toEqual(['a:30+3', 'account:60+7']);
    expect(plan(10n, [], 'account', 10n)).toMatchObject({ ok: false, failure: { code: 'amount-too-small' } });
  });

  it('gives a wallet back by each of its charges, and no more than they brought', () => {
    const charge = (depositId: string, cents: bigint, isPayable = true) => ({
      ...source('wallet', cents, isPayable),
      depositId,
    });
    const sources = [charge('d1', 60n), charge('d2', 40n), charge('d3', 30n, false)];
    const legs = (amount: bigint, named: string) =>
      planPayout({
        amount: amount * cent,
        fee: 0n,
        unit: cent,
        namedInstrumentId: named,
        namedTakesRest: named !== 'wallet',
        sources,
      });
    expect(
      orThrow(legs(130n, 'account')).map((leg) => [leg.instrumentId, leg.depositId, leg.amount / cent]),
    ).toEqual([
      ['wallet', 'd1', 60n],
      ['wallet', 'd2', 40n],
      ['account', null, 30n],
    ]);
    expect(legs(100n, 'wallet').ok).toBe(true);
    expect(legs(101n, 'wallet')).toMatchObject({ ok: false, failure: { code: 'amount-above-maximum' } });
    // The charge that is too old still waits, so a person looks at winnings that pass it by.
    expect(skipsSources(orThrow(legs(130n, 'account')), sources)).toBe(true);
  });

  it('is the amount to the unit, pays no source more than its net, and never more legs than allowed', () => {
    const cents = fc.bigInt({ min: 1n, max: 10n ** 9n });
    fc.assert(
      fc.property(
        cents,
        fc.integer({ min: 0, max: 9_999 }),
        fc.array(fc.tuple(fc.bigInt({ min: -500n, max: 10n ** 6n }), fc.boolean()), { maxLength: 14 }),
        fc.integer({ min: 0, max: 14 }),
        (amount, feeBps, nets, named) => {
          const fee = (amount * BigInt(feeBps)) / 10_000n;
          const sources = nets.map(([net, isPayable], index) => source(`s${index}`, net, isPayable));
          const planned = plan(amount, sources, `s${named}`, fee);
          if (!planned.ok) {
            expect(amount - fee).toBeLessThan(1n);
            return;
          }
          const legs = planned.value;
          expect(legs.reduce((sum, leg) => sum + leg.amount, 0n)).toBe(amount * cent);
          expect(legs.reduce((sum, leg) => sum + leg.fee, 0n)).toBe(fee * cent);
          expect(legs.length).toBeLessThanOrEqual(plannedLegsMax);
          expect(new Set(legs.map((leg) => leg.instrumentId)).size).toBe(legs.length);
          for (const { instrumentId, amount: gross, fee: share } of legs) {
            expect(gross - share).toBeGreaterThan(0n);
            expect((gross - share) % cent).toBe(0n);
            expect(share >= 0n && share % cent === 0n).toBe(true);
            if (instrumentId !== `s${named}`)
              expect(gross - share).toBeLessThanOrEqual(
                sources.find((one) => one.instrumentId === instrumentId)?.net ?? 0n,
              );
          }
          // Winnings flow only when every payable source that had room for a leg has its deposits back.
          if (sources.every((one) => one.isPayable) && sources.length < plannedLegsMax)
            expect(skipsSources(legs, sources)).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a fee', () => {
  const term = { bps: 150, fixed: 25n * cent, freePerMonth: 2 };

  it('is fixed plus percentage, rounded down to what can be paid', () => {
    expect(withdrawalFee(term, 3_333n * cent, 2, cent)).toEqual({ fee: 74n * cent, isWaived: false });
    expect(withdrawalFee(null, 3_333n * cent, 0, cent)).toEqual({ fee: 0n, isWaived: false });
  });

  it('is waived for the free ones of a month', () => {
    expect(withdrawalFee(term, 3_333n * cent, 1, cent)).toEqual({ fee: 0n, isWaived: true });
  });

  it('never exceeds the exact figure, is within one unit of it, and is spread to the unit', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.bigInt({ min: 0n, max: 10n ** 6n }),
        fc.array(fc.bigInt({ min: 1n, max: 10n ** 9n }), { minLength: 1, maxLength: 12 }),
        (amount, bps, fixed, payouts) => {
          const { fee } = withdrawalFee(
            { bps, fixed: fixed * cent, freePerMonth: 0 },
            amount * cent,
            0,
            cent,
          );
          const exactTimes10k = fixed * cent * 10_000n + amount * cent * BigInt(bps);
          expect(fee * 10_000n).toBeLessThanOrEqual(exactTimes10k);
          expect(exactTimes10k - fee * 10_000n).toBeLessThan(cent * 10_000n);
          const spread = spreadFee(fee, payouts, cent);
          expect(spread.reduce((sum, share) => sum + share, 0n)).toBe(fee);
          expect(spread.every((share) => share >= 0n && share % cent === 0n)).toBe(true);
        },
      ),
    );
  });
});
