/** The day's cap against somebody who has our key to the signer and chooses nonces, assets and times as he likes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSpending } from './spending.ts';

const dayMs = 24 * 3_600_000;
const cap = 100n;
const assets = ['USDT', 'ETH'] as const;

test('an order in another asset with the same nonce takes nothing off the day', () => {
  const spending = createSpending(new Map(assets.map((asset) => [asset, cap])));
  expect(spending.admit({ asset: 'USDT', slot: '1', amount: cap }, 0)).toBe(true);
  expect(spending.admit({ asset: 'ETH', slot: '1', amount: 1n }, 1)).toBe(true);
  expect(spending.admit({ asset: 'USDT', slot: '2', amount: 1n }, 2)).toBe(false);
});

test('an order that grows late in its day counts a day from then on', () => {
  const spending = createSpending(new Map([['USDT', cap]]));
  expect(spending.admit({ asset: 'USDT', slot: '1', amount: 1n }, 0)).toBe(true);
  expect(spending.admit({ asset: 'USDT', slot: '1', amount: cap }, dayMs - 1)).toBe(true);
  expect(spending.admit({ asset: 'USDT', slot: '2', amount: cap }, dayMs + 1)).toBe(false);
});

test('whatever is asked for, what was signed within a day and can be mined together is within the cap', () => {
  const order = fc.record({
    asset: fc.constantFrom(...assets),
    slot: fc.constantFrom('0', '1', '2', '3'),
    amount: fc.bigInt({ min: 1n, max: cap }),
    afterMs: fc.integer({ min: 0, max: dayMs / 2 }),
  });
  fc.assert(
    fc.property(fc.array(order, { maxLength: 30 }), (orders) => {
      const spending = createSpending(new Map(assets.map((asset) => [asset, cap])));
      const signed: { asset: string; slot: string; amount: bigint; atMs: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, ...spend } of orders) {
        nowMs += afterMs;
        if (spending.admit(spend, nowMs)) signed.push({ ...spend, atMs: nowMs });
        for (const asset of assets) {
          const most = new Map<string, bigint>();
          for (const one of signed)
            if (one.asset === asset && nowMs - one.atMs < dayMs) {
              const known = most.get(one.slot) ?? 0n;
              most.set(one.slot, one.amount > known ? one.amount : known);
            }
          expect([...most.values()].reduce((sum, amount) => sum + amount, 0n)).toBeLessThanOrEqual(cap);
        }
      }
    }),
  );
});
