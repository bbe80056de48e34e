/** Random command sequences against a small reference ledger that shares no code with the reducer. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  referencedExternalId,
  type ExchangeCommand,
  type GameCommand,
  type TransferCommand,
  type WalletCommand,
} from './commands.ts';
import { decideExchange } from './decide-exchange.ts';
import { decide, type DecidedJournal, type JournalFacts } from './decide.ts';
import { sumOfPostings } from './postings.ts';
import type { WalletState } from './state.ts';
import type { Claims } from './decision.ts';

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
  /** The same player's second wallet, in an asset of another scale. */
  ether: WalletState = { ...empty, asset: 'ETH' };
  readonly facts = new Map<string, JournalFacts>();
  private readonly answers: DecidedJournal[] = [];

  run(command: WalletCommand | ExchangeCommand): string {
    if (command.kind === 'exchange') return this.exchange(command);
    const referencedId = referencedExternalId(command);
    const referenced = referencedId === null ? null : (this.facts.get(referencedId) ?? null);
    const decision = decide(this.state, command, {
      nowMs,
      existing: this.facts.get(command.key.externalId) ?? null,
      referenced,
      ...(referenced ? { claims: this.claimsOn(referenced.id) } : {}),
    });
    if (decision.kind !== 'post') return decision.kind === 'repeat' ? 'repeat' : decision.failure.code;
    this.state = decision.state;
    this.keep(decision.journals);
    return 'posted';
  }

  private exchange(command: ExchangeCommand): string {
    const sellsEuro = command.asset === 'EUR';
    const decision = decideExchange(
      sellsEuro ? { sold: this.state, bought: this.ether } : { sold: this.ether, bought: this.state },
      command,
      this.facts.get(command.key.externalId) ?? null,
    );
    if (decision.kind !== 'post') return decision.kind === 'repeat' ? 'repeat' : decision.failure.code;
    this.state = sellsEuro ? decision.sold.state : decision.bought.state;
    this.ether = sellsEuro ? decision.bought.state : decision.sold.state;
    for (const { postings } of decision.bought.journals) expect(sumOfPostings(postings)).toBe(0n);
    this.keep(decision.sold.journals);
    return 'posted';
  }

  /** As the door reads them from the journals that answer one. */
  private claimsOn(id: string): Claims {
    const own = this.answers.filter((journal) => journal.answers === id);
    const won = (journal: DecidedJournal) => this.facts.get(journal.externalId)?.reversed === true;
    return {
      clawedBack: own
        .filter(({ code }) => code === 'deposit.refund' || code === 'chargeback.open')
        .reduce((sum, journal) => (won(journal) ? sum : sum + journal.amount), 0n),
      ended: own.some(({ code }) => code === 'chargeback.lose' || code === 'chargeback.win'),
    };
  }

  private keep(journals: readonly DecidedJournal[]): void {
    for (const journal of journals) {
      expect(sumOfPostings(journal.postings)).toBe(0n);
      this.answers.push(journal);
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
  }
}

type Past = {
  kind: 'bet' | 'win' | 'gone' | 'other' | 'deposit' | 'dispute';
  print: string;
  real: bigint;
  promo: bigint;
  undone: boolean;
  /** Of a deposit, how much of it can still go back; of a dispute, how much it is about. */
  left?: bigint;
  about?: Past;
};

/** The reference: five numbers and a list of what happened. No accounts, no postings. */
class Reference {
  real = 0n;
  promo = 0n;
  reserved = 0n;
  debt = 0n;
  award: { left: bigint } | null = null;
  ether = 0n;
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

  /** Two cents of ether for three euros or the other way round; a euro has 12 places here, an ether 18. */
  private exchange({ asset, amount, rate }: ExchangeCommand): string {
    const up = amount * rate.numerator * (asset === 'EUR' ? 1_000_000n : 1n);
    const got = up / (rate.denominator * (asset === 'EUR' ? 1n : 1_000_000n));
    if (got === 0n) return 'amount-not-positive';
    if ((asset === 'EUR' ? this.real : this.ether) < amount) return 'insufficient-funds';
    if (asset === 'EUR') {
      this.real -= amount;
      this.ether += got;
    } else {
      this.ether -= amount;
      this.receive(got);
    }
    return 'posted';
  }

  run(command: WalletCommand | ExchangeCommand): string {
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
    const outcome = command.kind === 'exchange' ? this.exchange(command) : this.transfer(command);
    if (outcome !== 'posted') return outcome;
    const rest = { print, real: 0n, promo: 0n };
    if (command.kind === 'exchange') return this.remember(id, { kind: 'other', ...rest });
    const { transfer, amount } = command;
    if (transfer.code === 'deposit.capture')
      return this.remember(id, { kind: 'deposit', ...rest, left: amount });
    const about = transfer.code === 'chargeback.open' ? this.past.get(transfer.capture) : undefined;
    return about
      ? this.remember(id, { kind: 'dispute', ...rest, left: amount, about })
      : this.remember(id, { kind: 'other', ...rest });
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
      case 'hold.place':
        if (this.real < amount) return 'insufficient-funds';
        this.real -= amount;
        this.reserved += amount;
        return 'posted';
      case 'hold.capture':
      case 'hold.release':
        if (this.reserved < amount) return 'insufficient-funds';
        this.reserved -= amount;
        if (transfer.code === 'hold.release') this.receive(amount);
        return 'posted';
      case 'deposit.refund':
      case 'chargeback.open': {
        const deposit = this.past.get(transfer.capture);
        if (deposit?.kind !== 'deposit') return 'transaction-not-found';
        if ((deposit.left ?? 0n) < amount) return 'exceeds-captured';
        deposit.left = (deposit.left ?? 0n) - amount;
        this.surrender(amount);
        return 'posted';
      }
      case 'chargeback.lose':
      case 'chargeback.win': {
        const dispute = this.past.get(transfer.opened);
        if (dispute?.kind !== 'dispute' || !dispute.about) return 'transaction-not-found';
        if (dispute.undone) return 'already-decided';
        dispute.undone = true;
        if (transfer.code === 'chargeback.win') {
          this.receive(dispute.left ?? 0n);
          dispute.about.left = (dispute.about.left ?? 0n) + (dispute.left ?? 0n);
        }
        return 'posted';
      }
      case 'adjustment.post':
        if (transfer.direction === 'credit') this.receive(amount);
        else if (!transfer.mayOwe && this.real < amount) return 'insufficient-funds';
        else this.surrender(amount);
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

const few = fc.integer({ min: 0, max: 2 }).map((n) => `t${n}`);
const transferOf = (id: string, amount: bigint, transfer: TransferCommand['transfer']): TransferCommand => ({
  kind: 'transfer',
  ...facts(`${transfer.code}${id}`, `${transfer.code}${amount}`),
  amount: amount + 1n,
  subject: 's',
  transfer,
});

/** Holds, money that goes back and corrections; few ids, so that they meet each other. */
const laterTransfers = fc
  .tuple(
    few,
    few,
    amounts,
    fc.boolean(),
    fc.constantFrom(
      'deposit.capture',
      'hold.place',
      'hold.capture',
      'hold.release',
      'deposit.refund',
      'chargeback.open',
      'chargeback.open',
      'chargeback.lose',
      'chargeback.win',
      'adjustment.post',
    ),
  )
  .map(([id, other, amount, yes, code]): TransferCommand => {
    switch (code) {
      case 'deposit.capture':
        return transferOf(id, amount, { code, psp: 'alpha' });
      case 'hold.place':
      case 'hold.release':
        return transferOf(id, amount, { code });
      case 'hold.capture':
        return transferOf(id, amount, { code, to: 'suspense:court' });
      case 'deposit.refund':
      case 'chargeback.open':
        return transferOf(id, yes ? amount % 100n : amount, { code, capture: `deposit.capture${other}` });
      case 'chargeback.lose':
      case 'chargeback.win':
        return transferOf(id, 0n, { code, opened: `chargeback.open${other}` });
      case 'adjustment.post':
        return transferOf(id, amount, {
          code,
          direction: yes ? 'credit' : 'debit',
          mayOwe: amount % 2n === 0n,
        });
    }
  });

const exchanges = fc
  .tuple(ids, amounts, fc.boolean(), fc.bigInt({ min: 1n, max: 10n ** 6n }))
  .map(([id, amount, sellsEuro, denominator]): ExchangeCommand => ({
    kind: 'exchange',
    ...facts(`x${id}`, `x${amount}${sellsEuro}${denominator}`),
    asset: sellsEuro ? 'EUR' : 'ETH',
    boughtAsset: sellsEuro ? 'ETH' : 'EUR',
    amount: amount + 1n,
    rate: { numerator: sellsEuro ? 7n : 1_000_000n, denominator },
    subject: 's',
  }));

const commands: fc.Arbitrary<GameCommand | TransferCommand | ExchangeCommand> = fc.oneof(
  { weight: 8, arbitrary: laterTransfers },
  { weight: 2, arbitrary: exchanges },
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
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(commands, { minLength: 60, maxLength: 60 }), (sequence) => {
      const ledger = new Ledger();
      const reference = new Reference();
      for (const command of sequence) {
        const outcome = ledger.run(command);
        expect(outcome).toBe(reference.run(command));
        const reach = `${command.kind === 'transfer' ? command.transfer.code : command.kind} ${outcome}`;
        reached.set(reach, (reached.get(reach) ?? 0) + 1);
        const { cash, bonus, held, receivable } = ledger.state.balances;
        expect([cash, bonus, held, -receivable]).toEqual([
          reference.real,
          reference.promo,
          reference.reserved,
          reference.debt,
        ]);
        expect(ledger.state.award?.wageringLeft ?? null).toBe(reference.award?.left ?? null);
        expect(ledger.ether.balances).toEqual({ cash: reference.ether, bonus: 0n, held: 0n, receivable: 0n });
      }
    }),
    { numRuns: 500 },
  );
  const wanted =
    'hold.place hold.capture hold.release deposit.refund chargeback.open chargeback.lose chargeback.win adjustment.post exchange';
  const missed = wanted.split(' ').filter((code) => (reached.get(`${code} posted`) ?? 0) < 10);
  expect(missed).toEqual([]);
  expect(reached.get('deposit.refund exceeds-captured')).toBeGreaterThan(20);
  expect(reached.get('chargeback.win already-decided')).toBeGreaterThan(0);
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
