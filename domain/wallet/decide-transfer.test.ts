/** What activities and staff may move: the edge of each refusal, and where the money stands afterwards. */
import { describe, expect, test } from 'vitest';
import { referencedExternalId, type Transfer, type TransferCommand } from './commands.ts';
import { decide, type Decision, type DecisionContext, type JournalFacts } from './decide.ts';
import type { PoolBalances } from './postings.ts';
import type { LiveAward, WalletState } from './state.ts';

const nowMs = Date.UTC(2026, 10, 25, 12);
const zero = { day: 0n, week: 0n, month: 0n };
const wallet = (balances: Partial<PoolBalances> = {}, award: LiveAward | null = null): WalletState => ({
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 0n, bonus: 0n, held: 0n, receivable: 0n, ...balances },
  playBlockedUntilMs: Number.POSITIVE_INFINITY,
  playBlockReason: 'self-exclusion',
  sessionsValidFromMs: Number.POSITIVE_INFINITY,
  limits: [],
  usage: { atMs: nowMs, stake: zero, loss: zero },
  award,
  jurisdiction: 'MT',
  stakeMax: null,
});
const asked = (transfer: Transfer, amount: bigint): TransferCommand => ({
  kind: 'transfer',
  key: { integration: 'payments', externalId: 'x' },
  playerId: 'p',
  asset: 'EUR',
  amount,
  fingerprint: 'ab',
  subject: 's',
  transfer,
});
const run = (
  state: WalletState,
  transfer: Transfer,
  amount: bigint,
  context: Partial<DecisionContext> = {},
): Decision => {
  const decision = decide(state, asked(transfer, amount), {
    nowMs,
    existing: null,
    referenced: null,
    ...context,
  });
  if (decision.kind === 'refuse') expect(decision.failure.detail).toMatch(/^[A-Z].+\.$/);
  return decision;
};
/** The code of a refusal, or the balances that changed. */
const outcome = (...args: Parameters<typeof run>): unknown => {
  const decision = run(...args);
  if (decision.kind !== 'post') return decision.kind === 'refuse' ? decision.failure.code : decision.kind;
  const before = args[0].balances;
  return Object.fromEntries(
    Object.entries(decision.state.balances).filter(
      ([pool, units]) => units !== before[pool as keyof PoolBalances],
    ),
  );
};
const award = (changes: Partial<LiveAward> = {}): LiveAward => ({
  id: 'a',
  wageringLeft: 0n,
  betMax: null,
  expiresAtMs: nowMs - 1,
  ...changes,
});

describe('payments', () => {
  test('a deposit reaches a player who may not play', () => {
    const decision = run(wallet(), { code: 'deposit.capture', psp: 'alpha' }, 5n);
    expect(decision).toMatchObject({
      kind: 'post',
      state: { balances: { cash: 5n } },
      round: null,
      wageredAwardId: null,
      journals: [
        {
          externalId: 'x',
          code: 'deposit.capture',
          amount: 5n,
          reverses: null,
          answers: null,
          postings: [
            { side: 'player', account: 'cash', amount: 5n },
            { side: 'house', account: 'psp:alpha:clearing', amount: -5n },
          ],
        },
      ],
    });
  });

  test('a withdrawal takes cash only, to the last unit, and is paid or given back from what it set aside', () => {
    const state = wallet({ cash: 5n, bonus: 9n, held: 7n }, award());
    expect(outcome(state, { code: 'withdrawal.reserve' }, 5n)).toEqual({ cash: 0n, held: 12n });
    expect(outcome(state, { code: 'withdrawal.reserve' }, 6n)).toBe('insufficient-funds');
    expect(outcome(state, { code: 'withdrawal.settle', psp: 'alpha' }, 7n)).toEqual({ held: 0n });
    expect(outcome(state, { code: 'withdrawal.settle', psp: 'alpha' }, 8n)).toBe('insufficient-funds');
    expect(outcome(state, { code: 'withdrawal.fee' }, 7n)).toEqual({ held: 0n });
    expect(outcome(state, { code: 'withdrawal.fee' }, 8n)).toBe('insufficient-funds');
    expect(outcome(state, { code: 'withdrawal.release' }, 7n)).toEqual({ cash: 12n, held: 0n });
    expect(outcome(state, { code: 'withdrawal.release' }, 8n)).toBe('insufficient-funds');
    const forfeit = { code: 'withdrawal.forfeit', jurisdiction: 'MT' } as const;
    expect(outcome(state, forfeit, 7n)).toEqual({ held: 0n });
    expect(outcome(state, forfeit, 8n)).toBe('insufficient-funds');
  });

  test('a hold takes cash only, and gives up no more than is held', () => {
    const state = wallet({ cash: 5n, bonus: 9n, held: 7n }, award());
    const capture = { code: 'hold.capture', to: 'suspense:legal-orders' } as const;
    expect(outcome(state, { code: 'hold.place' }, 5n)).toEqual({ cash: 0n, held: 12n });
    expect(outcome(state, { code: 'hold.place' }, 6n)).toBe('insufficient-funds');
    expect(outcome(state, capture, 7n)).toEqual({ held: 0n });
    expect(outcome(state, capture, 8n)).toBe('insufficient-funds');
    expect(outcome(state, { code: 'hold.release' }, 7n)).toEqual({ cash: 12n, held: 0n });
    expect(outcome(state, { code: 'hold.release' }, 8n)).toBe('insufficient-funds');
  });

  test('nothing moves by zero or less', () => {
    const state = wallet({ cash: 5n, held: 5n });
    for (const amount of [0n, -1n])
      for (const transfer of [
        { code: 'deposit.capture', psp: 'alpha' },
        { code: 'withdrawal.reserve' },
        { code: 'hold.release' },
        { code: 'adjustment.post', direction: 'debit', mayOwe: true },
      ] as const)
        expect(() => run(state, transfer, amount)).toThrow('a transfer moves a positive amount');
  });

  test('two refusals of one transfer code differ in nothing but the side that is short', () => {
    const texts = (['withdrawal.settle', 'withdrawal.release', 'hold.capture', 'hold.release'] as const).map(
      (code) => {
        const transfer =
          code === 'withdrawal.settle'
            ? { code, psp: 'alpha' }
            : code === 'hold.capture'
              ? { code, to: 'suspense:x' as const }
              : { code };
        const decision = run(wallet(), transfer, 1n);
        return decision.kind === 'refuse' ? decision.failure.detail : '';
      },
    );
    expect(new Set(texts).size).toBe(4);
  });
});

describe('an award', () => {
  const give = {
    code: 'bonus.award',
    awardId: 'b',
    wagering: 100n,
    betMax: 3n,
    expiresAtMs: nowMs + 1,
  } as const;

  test('begins with its terms, one at a time', () => {
    expect(run(wallet(), give, 10n)).toMatchObject({
      state: {
        balances: { bonus: 10n },
        award: { id: 'b', wageringLeft: 100n, betMax: 3n, expiresAtMs: nowMs + 1 },
      },
    });
    expect(outcome(wallet({}, award()), give, 10n)).toBe('award-active');
  });

  test('becomes cash when nothing is left to wager, and only the award that is named', () => {
    const convert = { code: 'bonus.convert', awardId: 'a' } as const;
    const state = wallet({ bonus: 7n, receivable: -2n }, award());
    const decision = run(state, convert, 0n);
    expect(decision).toMatchObject({
      state: { award: null, balances: { cash: 5n, bonus: 0n, receivable: 0n } },
      journals: [{ code: 'bonus.convert', amount: 7n }],
    });
    expect(outcome(wallet({ bonus: 7n }, award({ wageringLeft: 1n })), convert, 0n)).toBe('award-not-active');
    expect(outcome(state, { ...convert, awardId: 'b' }, 0n)).toBe('award-not-active');
    expect(outcome(wallet({ bonus: 7n }), convert, 0n)).toBe('award-not-active');
  });

  test('can be forfeited at any time, and only the award that is named', () => {
    const forfeit = { code: 'bonus.forfeit', awardId: 'a' } as const;
    const state = wallet({ cash: 1n, bonus: 7n }, award({ wageringLeft: 9n }));
    expect(run(state, forfeit, 0n)).toMatchObject({
      state: { award: null, balances: { cash: 1n, bonus: 0n } },
      journals: [{ code: 'bonus.forfeit', amount: 7n }],
    });
    expect(outcome(state, { ...forfeit, awardId: 'b' }, 0n)).toBe('award-not-active');
    expect(outcome(wallet({ bonus: 7n }), forfeit, 0n)).toBe('award-not-active');
  });
});

describe('a correction', () => {
  test('credits, and debits what is there; a debt only where its reason allows one', () => {
    const post = (direction: 'credit' | 'debit', mayOwe: boolean) =>
      ({ code: 'adjustment.post', direction, mayOwe }) as const;
    const state = wallet({ cash: 5n, receivable: -1n });
    for (const mayOwe of [false, true])
      expect(outcome(state, post('credit', mayOwe), 6n)).toEqual({ cash: 10n, receivable: 0n });
    expect(outcome(state, post('debit', false), 5n)).toEqual({ cash: 0n });
    expect(outcome(state, post('debit', false), 6n)).toBe('insufficient-funds');
    expect(outcome(state, post('debit', true), 6n)).toEqual({ cash: 0n, receivable: -2n });
  });
});

describe('money of a deposit that goes back', () => {
  const capture: JournalFacts = {
    id: 'j-capture',
    externalId: 'deposit:1:capture',
    code: 'deposit.capture',
    playerId: 'p',
    asset: 'EUR',
    amount: 10n,
    fingerprint: 'cd',
    reversed: false,
    postings: [
      // A name that looks like a PSP's on the player's side tells nothing.
      { account: 'psp:wrong:clearing', ofPlayer: true, amount: 0n },
      { account: 'cash', ofPlayer: true, amount: 10n },
      { account: 'house:fx', ofPlayer: false, amount: 0n },
      { account: 'psp:beta:clearing', ofPlayer: false, amount: -10n },
    ],
  };
  const opening: JournalFacts = {
    ...capture,
    id: 'j-opening',
    externalId: 'chargeback:1:open',
    code: 'chargeback.open',
    amount: 4n,
    postings: [
      { account: 'cash', ofPlayer: true, amount: -4n },
      { account: 'psp:beta:disputed', ofPlayer: false, amount: 4n },
    ],
  };
  const refund = { code: 'deposit.refund', capture: 'deposit:1:capture' } as const;
  const open = { code: 'chargeback.open', capture: 'deposit:1:capture' } as const;
  const lose = { code: 'chargeback.lose', opened: 'chargeback:1:open' } as const;
  const win = { code: 'chargeback.win', opened: 'chargeback:1:open' } as const;
  const claims = (clawedBack: bigint, ended = false, broughtFurther = 0n) => ({
    clawedBack,
    broughtFurther,
    ended,
  });

  test('goes back to the PSP that brought it, and answers the capture', () => {
    expect(run(wallet({ cash: 6n }), refund, 10n, { referenced: capture })).toMatchObject({
      state: { balances: { cash: 0n, receivable: -4n } },
      journals: [
        {
          code: 'deposit.refund',
          amount: 10n,
          answers: 'j-capture',
          reverses: null,
          postings: [{}, {}, { account: 'psp:beta:clearing', amount: 10n }],
        },
      ],
    });
    expect(run(wallet({ cash: 10n }), open, 4n, { referenced: capture })).toMatchObject({
      state: { balances: { cash: 6n } },
      journals: [
        {
          code: 'chargeback.open',
          amount: 4n,
          answers: 'j-capture',
          reverses: null,
          postings: [{}, { account: 'psp:beta:disputed', amount: 4n }],
        },
      ],
    });
  });

  test('is never more than the deposit brought, all refunds and chargebacks together', () => {
    for (const transfer of [refund, open]) {
      const after = (before: bigint, amount: bigint) =>
        outcome(wallet({ cash: 99n }), transfer, amount, { referenced: capture, claims: claims(before) });
      expect(after(0n, 10n)).toEqual({ cash: 89n });
      expect(after(0n, 11n)).toBe('exceeds-captured');
      expect(after(7n, 3n)).toEqual({ cash: 96n });
      expect(after(7n, 4n)).toBe('exceeds-captured');
      expect(outcome(wallet({ cash: 99n }), transfer, 11n, { referenced: capture })).toBe('exceeds-captured');
    }
  });

  test('grows by what further captures bring, and those answer the first', () => {
    const further = { code: 'deposit.capture', psp: 'beta', first: 'deposit:1:capture' } as const;
    expect(run(wallet({ cash: 1n }), further, 5n, { referenced: capture })).toMatchObject({
      state: { balances: { cash: 6n } },
      journals: [{ code: 'deposit.capture', amount: 5n, answers: 'j-capture', reverses: null }],
    });
    expect(outcome(wallet(), further, 5n, { referenced: null })).toBe('transaction-not-found');
    expect(outcome(wallet(), further, 5n, { referenced: { ...capture, playerId: 'q' } })).toBe(
      'transaction-not-found',
    );
    expect(outcome(wallet(), further, 5n, { referenced: opening })).toBe('transaction-not-found');
    for (const transfer of [refund, open]) {
      const after = (amount: bigint) =>
        outcome(wallet({ cash: 99n }), transfer, amount, {
          referenced: capture,
          claims: claims(7n, false, 5n),
        });
      expect(after(8n)).toEqual({ cash: 91n });
      expect(after(9n)).toBe('exceeds-captured');
    }
  });

  test('needs a capture of this very wallet', () => {
    for (const transfer of [refund, open]) {
      const of = (referenced: JournalFacts | null) =>
        outcome(wallet({ cash: 9n }), transfer, 1n, { referenced });
      expect(of(null)).toBe('transaction-not-found');
      expect(of({ ...capture, playerId: 'q' })).toBe('transaction-not-found');
      expect(of({ ...capture, asset: 'USD' })).toBe('transaction-not-found');
      expect(of(opening)).toBe('transaction-not-found');
    }
  });

  test('a chargeback that is lost stays with the PSP, whole, and touches no pool', () => {
    expect(run(wallet(), lose, 0n, { referenced: opening, claims: claims(4n) })).toMatchObject({
      state: { balances: wallet().balances },
      journals: [
        {
          code: 'chargeback.lose',
          amount: 4n,
          answers: 'j-opening',
          reverses: null,
          postings: [
            { account: 'psp:beta:disputed', amount: -4n },
            { account: 'psp:beta:clearing', amount: 4n },
          ],
        },
      ],
    });
  });

  test('a chargeback that is won reverses its opening: the player has the money again, a debt first', () => {
    expect(run(wallet({ receivable: -3n }), win, 0n, { referenced: opening })).toMatchObject({
      state: { balances: { cash: 1n, receivable: 0n } },
      journals: [{ code: 'chargeback.win', amount: 4n, answers: 'j-opening', reverses: 'j-opening' }],
    });
  });

  test('a chargeback ends once', () => {
    for (const transfer of [lose, win]) {
      const ended = outcome(wallet(), transfer, 0n, { referenced: opening, claims: claims(4n, true) });
      expect(ended).toBe('already-decided');
      expect(outcome(wallet(), transfer, 0n, { referenced: { ...opening, reversed: true } })).toBe(
        'already-decided',
      );
      const of = (referenced: JournalFacts | null) => outcome(wallet(), transfer, 0n, { referenced });
      expect(of(null)).toBe('transaction-not-found');
      expect(of(capture)).toBe('transaction-not-found');
      expect(of({ ...opening, playerId: 'q' })).toBe('transaction-not-found');
      expect(of({ ...opening, asset: 'USD' })).toBe('transaction-not-found');
    }
  });

  test('a capture without a PSP is a broken ledger and no refusal', () => {
    const postings = capture.postings.slice(0, 3);
    expect(() => run(wallet({ cash: 9n }), refund, 1n, { referenced: { ...capture, postings } })).toThrow(
      'Invariant broken: journal j-capture names no PSP',
    );
  });

  test('names the journal that it answers, and other transfers name none', () => {
    const named = (transfer: Transfer) => referencedExternalId(asked(transfer, 1n));
    expect([refund, open].map(named)).toEqual(['deposit:1:capture', 'deposit:1:capture']);
    expect([lose, win].map(named)).toEqual(['chargeback:1:open', 'chargeback:1:open']);
    const others: Transfer[] = [
      { code: 'deposit.capture', psp: 'alpha' },
      { code: 'withdrawal.reserve' },
      { code: 'withdrawal.settle', psp: 'alpha' },
      { code: 'withdrawal.release' },
      { code: 'withdrawal.fee' },
      { code: 'withdrawal.forfeit', jurisdiction: 'MT' },
      { code: 'bonus.award', awardId: 'a', wagering: 0n, betMax: null, expiresAtMs: 0 },
      { code: 'bonus.convert', awardId: 'a' },
      { code: 'bonus.forfeit', awardId: 'a' },
      { code: 'hold.place' },
      { code: 'hold.capture', to: 'suspense:x' },
      { code: 'hold.release' },
      { code: 'adjustment.post', direction: 'credit', mayOwe: false },
    ];
    expect(others.map(named)).toEqual(others.map(() => null));
  });
});

test('a word that nobody knows is a bug and moves nothing', () => {
  const unknown = { code: 'cash.print' } as unknown as Transfer;
  expect(() => run(wallet(), unknown, 1n)).toThrow('Unexpected value');
  expect(() => referencedExternalId(asked(unknown, 1n))).toThrow('Unexpected value');
  const command = { ...asked(unknown, 1n), kind: 'gift' } as unknown as TransferCommand;
  expect(() => decide(wallet(), command, { nowMs, existing: null, referenced: null })).toThrow();
});
