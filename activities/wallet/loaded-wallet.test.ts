/** A wallet written as a text and read again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pools } from '#domain/wallet/chart.ts';
import { limitWindows } from '#domain/wallet/state.ts';
import { readWallet, writeWallet, type LoadedWallet } from './loaded-wallet.ts';

const units = fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n });
const word = fc.string({ minLength: 1 }).filter((text) => !text.includes('\x1f'));
const instantMs = fc.oneof(
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.double({ min: 0, max: 4e12, noNaN: true }),
);
const hex = fc.stringMatching(/^[\da-f]{64}$/);
const windows = fc.record({ day: units, week: units, month: units });
const perPool = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.record(Object.fromEntries(pools.map((pool) => [pool, arbitrary]))) as fc.Arbitrary<
    Record<(typeof pools)[number], T>
  >;

const wallets: fc.Arbitrary<LoadedWallet> = fc.record({
  version: units,
  chains: perPool(fc.record({ seq: units, hash: fc.option(hex) })),
  state: fc.record({
    playerId: fc.uuid(),
    asset: word,
    brand: word,
    jurisdiction: word,
    stakeMax: fc.option(units),
    balances: perPool(units),
    playBlockedUntilMs: fc.option(instantMs),
    playBlockReason: fc.option(word),
    sessionsValidFromMs: instantMs,
    limits: fc.array(
      fc.record({
        kind: fc.constantFrom('stake' as const, 'loss' as const),
        window: fc.constantFrom(...limitWindows),
        amount: units,
      }),
    ),
    usage: fc.record({ atMs: instantMs, stake: windows, loss: windows }),
    award: fc.option(
      fc.record({
        id: fc.uuid(),
        wageringLeft: units,
        betMax: fc.option(units),
        expiresAtMs: instantMs,
      }),
    ),
  }),
});

test('every wallet comes back as it was', () => {
  fc.assert(
    fc.property(wallets, (wallet) => {
      expect(readWallet(writeWallet(wallet))).toEqual(wallet);
    }),
  );
});
