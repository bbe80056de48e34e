import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assets } from '../../assets.ts';
import { tokenListProblems } from './chains.ts';
import { cryptoAssets, judgeDeposit } from './deposit-policy.ts';
import { absentBudgetMs, cryptoDepositStates, stepDeposit, type ChainLook } from './deposit-state.ts';
import { bumpFees, levelOf } from './hot-wallet.ts';

const state = fc.constantFrom(...cryptoDepositStates);
const facts = fc.record({
  depthRequired: fc.integer({ min: 1, max: 300 }),
  finalDepth: fc.integer({ min: 1, max: 600 }),
  ageMs: fc.integer({ min: 0, max: 2 * absentBudgetMs }),
});

describe('a step of a deposit on a chain', () => {
  test('credits only what is in the chain at its depth and is not credited yet', () => {
    const look: fc.Arbitrary<ChainLook> = fc.oneof(
      fc.constantFrom<ChainLook>({ kind: 'absent' }, { kind: 'unknown' }),
      fc.integer({ min: 1, max: 600 }).map((depth): ChainLook => ({ kind: 'in-chain', depth })),
    );
    fc.assert(
      fc.property(state, look, facts, (before, seen, known) => {
        const step = stepDeposit(before, seen, known);
        if (step === 'credit') {
          expect(seen.kind === 'in-chain' && seen.depth >= known.depthRequired).toBe(true);
          expect(before).not.toBe('credited');
        }
        if (step === 'reverse') expect([before, seen.kind]).toEqual(['credited', 'absent']);
        if (before === 'credited' && seen.kind === 'absent') expect(step).toBe('reverse');
        if (seen.kind === 'unknown') expect(step).toBe('wait');
      }),
    );
  });

  test('money that is in the chain deep enough is always credited in the end, whatever was thought of it before', () => {
    fc.assert(
      fc.property(state, facts, (before, known) => {
        fc.pre(before !== 'credited');
        expect(stepDeposit(before, { kind: 'in-chain', depth: known.depthRequired }, known)).toBe('credit');
      }),
    );
  });
});

describe('the policy of deposits', () => {
  test('more money never waits for fewer blocks, and its units are exact', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cryptoAssets),
        fc.bigInt({ min: 1n, max: 10n ** 24n }),
        fc.bigInt({ min: 0n, max: 10n ** 24n }),
        (asset, raw, more) => {
          const [less, larger] = [judgeDeposit(asset, raw), judgeDeposit(asset, raw + more)];
          if (!less.ok || !larger.ok) throw new Error('the asset is taken');
          expect(larger.value.depthRequired).toBeGreaterThanOrEqual(less.value.depthRequired);
          const known = assets.get(asset);
          if (less.value.parkedFor !== 'amount-too-large')
            expect(less.value.amount).toBe(
              raw * 10n ** BigInt((known?.ledgerScale ?? 0) - (known?.payableScale ?? 0)),
            );
        },
      ),
    );
  });

  test('dust and absurd amounts are parked, other assets are refused', () => {
    expect(judgeDeposit('USDT', 999_999n)).toMatchObject({ value: { parkedFor: 'below-minimum' } });
    expect(judgeDeposit('USDT', 1_000_000n)).toMatchObject({ value: { parkedFor: null, depthRequired: 6 } });
    expect(judgeDeposit('USDT', 2n ** 256n - 1n)).toMatchObject({
      value: { parkedFor: 'amount-too-large', amount: 0n, depthRequired: 32 },
    });
    expect(judgeDeposit('DOGE', 5n)).toMatchObject({ failure: { code: 'unsupported-asset' } });
  });
});

describe('the hot wallet', () => {
  test('a raise is at least what nodes ask for, and the tip stays below the whole', () => {
    const fees = fc
      .tuple(fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.bigInt({ min: 0n, max: 10n ** 12n }))
      .map(([rest, tip]) => ({ maxFeePerGas: rest + tip, maxPriorityFeePerGas: tip }));
    fc.assert(
      fc.property(fees, fees, (before, market) => {
        const after = bumpFees(before, market);
        expect(after.maxFeePerGas * 10n).toBeGreaterThanOrEqual(before.maxFeePerGas * 11n);
        expect(after.maxPriorityFeePerGas * 10n).toBeGreaterThanOrEqual(before.maxPriorityFeePerGas * 11n);
        expect(after.maxFeePerGas).toBeGreaterThanOrEqual(after.maxPriorityFeePerGas);
        expect(after.maxFeePerGas).toBeGreaterThanOrEqual(market.maxFeePerGas);
      }),
    );
  });

  test('its level counts what is owed already', () => {
    const usdt = 10n ** 12n;
    expect(levelOf('USDT', 6_000n * usdt, 0n)).toBe('fits');
    expect(levelOf('USDT', 6_000n * usdt, 2_000n * usdt)).toBe('low');
    expect(levelOf('USDT', 200_000n * usdt, 0n)).toBe('high');
    expect(levelOf('EUR', 1n, 0n)).toBeNull();
  });
});

test('an allow-list names assets of its chain, each once', () => {
  const contract = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
  expect(tokenListProblems('ethereum', [{ asset: 'USDT', contract }])).toEqual([]);
  for (const asset of ['EUR', 'NOPE', 'ETH', 'BNB'])
    expect(tokenListProblems('ethereum', [{ asset, contract }])).toHaveLength(1);
  expect(
    tokenListProblems('ethereum', [
      { asset: 'USDT', contract },
      { asset: 'USDC', contract: contract.toLowerCase() },
    ]),
  ).toEqual(['A contract is listed twice.']);
});
