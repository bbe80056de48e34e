/** Random command sequences against a small reference ledger that shares no code with the reducer. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GameCommand, TransferCommand, WalletCommand } from './commands.ts';
import { decide, type JournalFacts } from './decide.ts';
import { sumOfPostings } from './postings.ts';
import type { WalletState } from './state.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const hourMs = 3_600_000;

const empty: WalletState = {
  playerId: 'p',
  asset: 'EUR',
  brand: 'aurora',
  balances: { cash: 0n, bonus: 0n, held: 0n, receivable: 0n },
  playBlockedUntilMs: null,
  playBlockReason: null,
  sessionsValidFromMs: Number.NEGATIVE_INFINITY,
  limits: [],
  usage: { atMs: nowMs, stake: { day: 0n, week: 0n, month: 0n }, loss: { day: 0n, week: 0n, month: 0n } },
  award: null,
};

/** The real side: the reducer with a journal of facts, as the writers keep it. */
class Ledger {
  state = empty;
  readonly facts = new Map<string, JournalFacts>();

  run(command: WalletCommand): string {
    const referencedId =
      command.kind === 'win'
        ? command.betExternalId
        : command.kind === 'rollback'
          ? command.originalExternalId
          : null;
    const decision = decide(this.state, command, {
      nowMs,
      existing: this.facts.get(command.key.externalId) ?? null,
      referenced: referencedId === null ? null : (this.facts.get(referencedId) ?? null),
    });
    if (decision.kind !== 'post') return decision.kind === 'repeat' ? 'repeat' : decision.failure.code;
    this.state = decision.state;
    for (const journal of decision.journals) {
      expect(sumOfPostings(journal.postings)).toBe(0n);
      for (const fact of this.facts.values()) {
        if (fact.id === journal.reverses) this.facts.set(fact.externalId, { ...fact, reversed: true });
      }
      this.facts.set(journal.externalId, {
        id: `j-${journal.externalId}`,
        externalId: journal.externalId,
        code: journal.code,
        playerId: 'p',
        asset: 'EUR',
        amount: journal.amount,
        fingerprint: journal.fingerprint,
        reversed: false,
        postings: journal.postings.map(({ account, amount, side }) => ({
          account,
          amount,
          ofPlayer: side === 'player',
        })),
      });
    }
    return 'posted';
  }
}

type Past = {
  kind: 'bet' | 'win' | 'gone' | 'other';
  print: string;
  real: bigint;
  promo: bigint;
  undone: boolean;
};

/** The reference: five numbers and a list of what happened. No accounts, no postings. */
class Reference {
  real = 0n;
  promo = 0n;
  reserved = 0n;
  debt = 0n;
  award: { left: bigint } | null = null;
  readonly past = new Map<string, Past>();

  private receive(amount: bigint): void {
    const repaid = amount > this.debt ? this.debt : amount;
    this.debt -= repaid;
    this.real += amount - repaid;
  }

  private surrender(amount: bigint): void {
    const paid = amount > this.real ? this.real : amount;
    this.real -= paid;
    this.debt += amount - paid;
  }

  private remember(id: string, entry: Omit<Past, 'undone'>): string {
    this.past.set(id, { ...entry, undone: false });
    return 'posted';
  }

  run(command: GameCommand | TransferCommand): string {
    const id = command.key.externalId;
    const print = command.fingerprint;
    const known = this.past.get(id);
    if (known?.kind === 'gone') return 'transaction-rolled-back';
    if (known) return known.print === print ? 'repeat' : 'duplicate-transaction';
    if (command.kind === 'bet') {
      const promo = command.amount > this.real ? command.amount - this.real : 0n;
      if (promo > (this.award ? this.promo : 0n)) return 'insufficient-funds';
      this.real -= command.amount - promo;
      this.promo -= promo;
      if (this.award)
        this.award.left = this.award.left > command.amount ? this.award.left - command.amount : 0n;
      return this.remember(id, { kind: 'bet', print, real: command.amount - promo, promo });
    }
    if (command.kind === 'win') {
      const bet = command.betExternalId === null ? null : (this.past.get(command.betExternalId) ?? null);
      if (command.betExternalId !== null) {
        if (!bet) return 'transaction-not-found';
        if (bet.kind === 'gone' || bet.undone) return 'transaction-rolled-back';
        if (bet.kind !== 'bet') return 'transaction-not-found';
      }
      const stake = bet ? bet.real + bet.promo : 0n;
      const promo = bet && this.award && stake > 0n ? (command.amount * bet.promo) / stake : 0n;
      this.receive(command.amount - promo);
      this.promo += promo;
      return this.remember(id, { kind: 'win', print, real: command.amount - promo, promo });
    }
    if (command.kind === 'rollback') {
      const original = this.past.get(command.originalExternalId);
      if (!original) {
        this.remember(command.originalExternalId, { kind: 'gone', print, real: 0n, promo: 0n });
        return this.remember(id, { kind: 'other', print, real: 0n, promo: 0n });
      }
      if (original.kind === 'gone' || original.undone)
        return this.remember(id, { kind: 'other', print, real: 0n, promo: 0n });
      if (original.kind === 'other') return 'transaction-not-found';
      original.undone = true;
      if (original.kind === 'bet') {
        this.receive(original.real);
        if (this.award) this.promo += original.promo;
      } else {
        this.surrender(original.real);
        this.promo = this.promo > original.promo ? this.promo - original.promo : 0n;
      }
      return this.remember(id, { kind: 'other', print, real: 0n, promo: 0n });
    }
    const outcome = this.transfer(command);
    return outcome === 'posted' ? this.remember(id, { kind: 'other', print, real: 0n, promo: 0n }) : outcome;
  }

  private transfer({ transfer, amount }: TransferCommand): string {
    switch (transfer.code) {
      case 'deposit.capture':
        this.receive(amount);
        return 'posted';
      case 'withdrawal.reserve':
        if (this.real < amount) return 'insufficient-funds';
        this.real -= amount;
        this.reserved += amount;
        return 'posted';
      case 'withdrawal.settle':
      case 'withdrawal.release':
        if (this.reserved < amount) return 'insufficient-funds';
        this.reserved -= amount;
        if (transfer.code === 'withdrawal.release') this.receive(amount);
        return 'posted';
      case 'bonus.award':
        if (this.award) return 'award-active';
        this.award = { left: transfer.wagering };
        this.promo += amount;
        return 'posted';
      case 'bonus.convert':
        if (!this.award || this.award.left > 0n) return 'award-not-active';
        this.receive(this.promo);
        this.promo = 0n;
        this.award = null;
        return 'posted';
      case 'bonus.forfeit':
        if (!this.award) return 'award-not-active';
        this.promo = 0n;
        this.award = null;
        return 'posted';
    }
  }
}

const ids = fc.integer({ min: 0, max: 24 }).map((n) => `t${n}`);
const amounts = fc.oneof(fc.bigInt({ min: 0n, max: 100n }), fc.bigInt({ min: 0n, max: 10n ** 20n }));

const facts = (externalId: string, print: string) => ({
  key: { integration: 'i', externalId },
  playerId: 'p',
  asset: 'EUR',
  fingerprint: print,
});
const game = { game: 'g', round: 'r', roundClosed: false, guardMs: 0 };

const commands: fc.Arbitrary<GameCommand | TransferCommand> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(ids, amounts).map(([id, amount]): GameCommand => ({
      kind: 'bet',
      ...facts(id, `bet${amount}`),
      ...game,
      amount,
      sessionIssuedAtMs: nowMs,
      sessionExpiresAtMs: nowMs + hourMs,
      contributionBps: 10_000,
    })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(ids, fc.option(ids), amounts).map(([id, bet, amount]): GameCommand => ({
      kind: 'win',
      ...facts(id, `win${amount}${bet}`),
      ...game,
      amount,
      betExternalId: bet,
    })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(ids, ids).map(([id, original]): GameCommand => ({
      kind: 'rollback',
      ...facts(`r${id}`, `rollback${original}`),
      ...game,
      originalExternalId: original,
    })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        ids,
        amounts,
        fc.constantFrom(
          'deposit.capture',
          'withdrawal.reserve',
          'withdrawal.settle',
          'withdrawal.release',
          'bonus.award',
          'bonus.convert',
          'bonus.forfeit',
        ),
      )
      .map(([id, amount, code]): TransferCommand => ({
        kind: 'transfer',
        ...facts(`${code}${id}`, `${code}${amount}`),
        amount: amount + 1n,
        subject: 's',
        transfer:
          code === 'deposit.capture' || code === 'withdrawal.settle'
            ? { code, psp: 'alpha' }
            : code === 'bonus.award'
              ? { code, awardId: 'a', wagering: amount * 2n, betMax: null, expiresAtMs: nowMs + hourMs }
              : code === 'bonus.convert' || code === 'bonus.forfeit'
                ? { code, awardId: 'a' }
                : { code },
      })),
  },
);

test('500 sequences of 60 commands agree with the reference ledger', () => {
  fc.assert(
    fc.property(fc.array(commands, { minLength: 60, maxLength: 60 }), (sequence) => {
      const ledger = new Ledger();
      const reference = new Reference();
      for (const command of sequence) {
        expect(ledger.run(command)).toBe(reference.run(command));
        const { cash, bonus, held, receivable } = ledger.state.balances;
        expect([cash, bonus, held, -receivable]).toEqual([
          reference.real,
          reference.promo,
          reference.reserved,
          reference.debt,
        ]);
        expect(ledger.state.award?.wageringLeft ?? null).toBe(reference.award?.left ?? null);
      }
    }),
    { numRuns: 500 },
  );
});

const bet = (amount: bigint): GameCommand => ({
  kind: 'bet',
  ...facts('b', 'b'),
  ...game,
  amount,
  sessionIssuedAtMs: nowMs,
  sessionExpiresAtMs: nowMs + hourMs,
  contributionBps: 10_000,
});
const rich: WalletState = { ...empty, balances: { cash: 100n, bonus: 0n, held: 0n, receivable: 0n } };
const codeOf = (state: WalletState, command: GameCommand): string => {
  const decision = decide(state, command, { nowMs, existing: null, referenced: null });
  return decision.kind === 'refuse' ? decision.failure.code : decision.kind;
};

test('a brake refuses stakes until its instant and not after', () => {
  expect(codeOf({ ...rich, playBlockedUntilMs: nowMs + 1, playBlockReason: 'self-exclusion' }, bet(1n))).toBe(
    'self-excluded',
  );
  expect(codeOf({ ...rich, playBlockedUntilMs: nowMs + 1, playBlockReason: 'locked' }, bet(1n))).toBe(
    'player-blocked',
  );
  expect(codeOf({ ...rich, playBlockedUntilMs: nowMs }, bet(1n))).toBe('post');
  expect(codeOf({ ...rich, playBlockedUntilMs: Number.POSITIVE_INFINITY }, bet(1n))).toBe('player-blocked');
});

test('a token issued before the fence is expired', () => {
  expect(codeOf({ ...rich, sessionsValidFromMs: nowMs }, bet(1n))).toBe('post');
  expect(codeOf({ ...rich, sessionsValidFromMs: nowMs + 1 }, bet(1n))).toBe('session-expired');
});

test('a stake limit admits its last unit and not one more; a new day starts again', () => {
  const limited: WalletState = {
    ...rich,
    limits: [{ kind: 'stake', window: 'day', amount: 50n }],
    usage: { ...empty.usage, stake: { day: 40n, week: 40n, month: 40n } },
  };
  expect(codeOf(limited, bet(10n))).toBe('post');
  expect(codeOf(limited, bet(11n))).toBe('play-limit-exceeded');
  const yesterday = { ...limited, usage: { ...limited.usage, atMs: nowMs - 24 * hourMs } };
  expect(codeOf(yesterday, bet(50n))).toBe('post');
  expect(codeOf(yesterday, bet(51n))).toBe('play-limit-exceeded');
});
