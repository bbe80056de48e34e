/** An exchange concerns two wallets of one player: both sides move or none, and at the rate that was quoted. */
import { describe, expect, test } from 'vitest';
import type { ExchangeCommand } from './commands.ts';
import { decideExchange } from './decide-exchange.ts';
import type { JournalFacts } from './decision.ts';
import type { WalletState } from './state.ts';

const zero = { day: 0n, week: 0n, month: 0n };
const wallet = (asset: string, cash: bigint, owed = 0n): WalletState => ({
  playerId: 'p',
  asset,
  brand: 'aurora',
  balances: { cash, bonus: 50n, held: 50n, receivable: -owed },
  playBlockedUntilMs: Number.POSITIVE_INFINITY,
  playBlockReason: 'self-exclusion',
  sessionsValidFromMs: 0,
  limits: [],
  usage: { atMs: 0, stake: zero, loss: zero },
  award: null,
  jurisdiction: 'MT',
  stakeMax: null,
});
const command = (changes: Partial<ExchangeCommand> = {}): ExchangeCommand => ({
  kind: 'exchange',
  key: { integration: 'pitboss', externalId: 'exchange:1' },
  playerId: 'p',
  asset: 'EUR',
  boughtAsset: 'USD',
  amount: 100n,
  rate: { numerator: 11n, denominator: 10n },
  fingerprint: 'ab',
  subject: 'exchange:1',
  ...changes,
});
const known: JournalFacts = {
  id: 'j',
  externalId: 'exchange:1',
  code: 'fx.exchange',
  playerId: 'p',
  asset: 'EUR',
  amount: 100n,
  fingerprint: 'ab',
  reversed: false,
  postings: [],
};
const run = (
  changes: Partial<ExchangeCommand> = {},
  cash = 100n,
  owed = 0n,
  existing: JournalFacts | null = null,
) => {
  const decision = decideExchange(
    { sold: wallet('EUR', cash), bought: wallet('USD', 0n, owed) },
    command(changes),
    existing,
  );
  if (decision.kind === 'refuse') expect(decision.failure.detail).toMatch(/^[A-Z].+\.$/);
  return decision;
};
const code = (...args: Parameters<typeof run>): string => {
  const decision = run(...args);
  return decision.kind === 'refuse' ? decision.failure.code : decision.kind;
};

describe('an exchange', () => {
  test('takes cash of one asset, gives cash of the other, and repays a debt there first', () => {
    const decision = run({}, 100n, 30n);
    expect(decision).toMatchObject({
      kind: 'post',
      sold: {
        state: { asset: 'EUR', balances: { cash: 0n, bonus: 50n, held: 50n, receivable: 0n } },
        round: null,
        journals: [{ externalId: 'exchange:1', code: 'fx.exchange', amount: 100n, fingerprint: 'ab' }],
      },
      bought: {
        state: { asset: 'USD', balances: { cash: 80n, bonus: 50n, held: 50n, receivable: 0n } },
        round: null,
        journals: [{ externalId: 'exchange:1', code: 'fx.exchange', amount: 100n, fingerprint: 'ab' }],
      },
    });
    if (decision.kind !== 'post') throw new Error('unreachable');
    expect(decision.sold.journals[0]?.postings).toEqual([
      { side: 'player', account: 'cash', amount: -100n },
      { side: 'house', account: 'house:fx', amount: 100n },
    ]);
    expect(decision.bought.journals[0]?.postings).toEqual([
      { side: 'player', account: 'receivable', amount: 30n },
      { side: 'player', account: 'cash', amount: 80n },
      { side: 'house', account: 'house:fx', amount: -110n },
    ]);
  });

  test('is covered by cash alone, to the last unit', () => {
    expect(code({}, 100n)).toBe('post');
    expect(code({}, 99n)).toBe('insufficient-funds');
  });

  test('buys at least one unit', () => {
    expect(code({ amount: 1n, rate: { numerator: 1n, denominator: 1n } })).toBe('post');
    expect(code({ amount: 1n, rate: { numerator: 1n, denominator: 2n } })).toBe('amount-not-positive');
    expect(code({ amount: 0n })).toBe('amount-not-positive');
    expect(code({ amount: -100n })).toBe('amount-not-positive');
    // Two negative numbers multiply to a positive one.
    expect(code({ amount: -100n, rate: { numerator: -11n, denominator: 10n } })).toBe('amount-not-positive');
  });

  test('is between two assets that the platform keeps', () => {
    expect(code({ boughtAsset: 'EUR' })).toBe('invalid-request');
    expect(code({ asset: 'XXX' })).toBe('unknown-asset');
    expect(code({ boughtAsset: 'XXX' })).toBe('unknown-asset');
  });

  test('is made once: the same one again is answered, and another one under its id is refused', () => {
    expect(run({}, 0n, 0n, known)).toEqual({ kind: 'repeat', journalId: 'j' });
    expect(code({}, 100n, 0n, { ...known, fingerprint: 'cd' })).toBe('duplicate-transaction');
    expect(code({}, 100n, 0n, { ...known, playerId: 'q' })).toBe('duplicate-transaction');
  });
});
