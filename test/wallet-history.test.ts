/** The judge of wallet histories is judged: a good history passes, and every seeded defect is found. */
import { expect, test } from 'vitest';
import {
  judgeHistory,
  type Attempt,
  type History,
  type Ledger,
  type LedgerEntry,
} from '#test/support/wallet-history.ts';

const playerId = 'ada';
let clockMs = 0;

/** Attempts follow each other unless a test says otherwise. */
const attempt = (change: Partial<Attempt> & Pick<Attempt, 'externalId' | 'kind'>): Attempt => ({
  integration: 'studio',
  playerId,
  amount: 10n,
  reference: null,
  invokedAtMs: (clockMs += 10),
  completedAtMs: clockMs + 5,
  outcome: 'ok',
  reply: `reply of ${change.externalId}`,
  journalId: `j-${change.externalId}`,
  balance: null,
  ...change,
});

/** Entries of a journal of the player's cash against the house, continuing the chain. */
function book(
  ...moves: readonly [externalId: string, code: string, amount: bigint, reverses?: string][]
): Ledger {
  let balance = 0n;
  const entries: LedgerEntry[] = [];
  for (const [externalId, , amount] of moves) {
    balance += amount;
    const line = { journalId: `j-${externalId}`, asset: 'EUR' };
    const seq = entries.filter((entry) => entry.playerId !== null).length + 1;
    entries.push({ ...line, account: 'cash', playerId, seq, amount, balanceAfter: balance });
    entries.push({
      ...line,
      account: 'house',
      playerId: null,
      seq: null,
      amount: -amount,
      balanceAfter: null,
    });
  }
  return {
    entries,
    journals: moves.map(([externalId, code, , reverses]) => ({
      id: `j-${externalId}`,
      integration: code === 'deposit.capture' ? 'payments' : 'studio',
      externalId,
      code,
      reverses: reverses ?? null,
    })),
    projections: [{ playerId, account: 'cash', seq: moves.length, balance }],
  };
}

const goodLedger = book(
  ['d', 'deposit.capture', 100n],
  ['b1', 'bet.place', -10n],
  ['w1', 'bet.win', 25n],
  ['b2', 'bet.place', -10n],
  ['r2', 'bet.rollback', 10n, 'j-b2'],
);

/** A cut bet that is repeated, a refusal, a rollback of a bet nobody heard of again, and reads in between. */
function goodHistory(): History {
  clockMs = 0;
  const attempts = [
    attempt({ externalId: 'b1', kind: 'bet', outcome: 'info', reply: null, journalId: null }),
    attempt({ externalId: 'b1', kind: 'bet', balance: 90n }),
    attempt({ externalId: 'w1', kind: 'win', amount: 25n, balance: 115n }),
    attempt({ externalId: 'b2', kind: 'bet', outcome: 'info', reply: null, journalId: null }),
    attempt({ externalId: 'r2', kind: 'rollback', amount: 0n, reference: 'b2', balance: 115n }),
    attempt({ externalId: 'b3', kind: 'bet', amount: 999n, outcome: 'fail', reply: null, journalId: null }),
  ];
  return { attempts, reads: [{ playerId, invokedAtMs: 26, completedAtMs: 29, balance: 90n }] };
}

const rules = (history: History, ledger: Ledger) => [
  ...new Set(judgeHistory(history, ledger).map((finding) => finding.split(':', 1)[0])),
];

test('a good history passes', () => {
  expect(judgeHistory(goodHistory(), goodLedger)).toEqual([]);
});

test('a double debit is found, as a second journal and as a doubled amount', () => {
  const twice = book(['d', 'deposit.capture', 100n], ['b1', 'bet.place', -10n], ['b1', 'bet.place', -10n]);
  clockMs = 0;
  const history = { attempts: [attempt({ externalId: 'b1', kind: 'bet' })], reads: [] };
  expect(judgeHistory(history, twice)).toContain('effect: studio/b1 was booked 2 times');
  const doubled = book(['d', 'deposit.capture', 100n], ['b1', 'bet.place', -20n]);
  expect(judgeHistory(history, doubled)).toEqual(['effect: studio/b1 moved -20 and should move -10']);
});

test('an acknowledgement that was lost is found', () => {
  const lost = book(
    ['d', 'deposit.capture', 100n],
    ['b1', 'bet.place', -10n],
    ['b2', 'bet.place', -10n],
    ['r2', 'bet.rollback', 10n, 'j-b2'],
  );
  expect(judgeHistory(goodHistory(), lost)).toContain('effect: studio/w1 was acknowledged and is not there');
});

test('a refusal that took effect is found, and money that nobody asked for', () => {
  const kept = book(['d', 'deposit.capture', 2_000n], ['b3', 'bet.place', -999n], ['b9', 'bet.place', -1n]);
  const { attempts } = goodHistory();
  const findings = judgeHistory(
    { attempts: attempts.filter(({ outcome }) => outcome === 'fail'), reads: [] },
    kept,
  );
  expect(findings).toEqual([
    'effect: studio/b3 was refused and is there',
    'effect: nobody asked for studio/b9',
  ]);
});

test('a refusal after an acknowledgement is found', () => {
  const good = goodHistory();
  const refused = attempt({
    externalId: 'w1',
    kind: 'win',
    amount: 25n,
    outcome: 'fail',
    reply: null,
    journalId: null,
  });
  expect(judgeHistory({ ...good, attempts: [...good.attempts, refused] }, goodLedger)).toEqual([
    'effect: studio/w1 was refused after it had been acknowledged',
  ]);
});

test('an unbalanced journal is found', () => {
  const [first, ...rest] = goodLedger.entries.toReversed();
  const entries = first ? [{ ...first, amount: first.amount + 1n }, ...rest].toReversed() : [];
  expect(rules(goodHistory(), { ...goodLedger, entries })).toEqual(['conservation']);
});

test('a drifted projection is found, and a chain with a gap or a false balance', () => {
  const drifted = { ...goodLedger, projections: [{ playerId, account: 'cash', seq: 5, balance: 114n }] };
  expect(rules(goodHistory(), drifted)).toEqual(['chain']);
  const change = (more: Partial<LedgerEntry>) => ({
    ...goodLedger,
    entries: goodLedger.entries.map((entry) => (entry.seq === 5 ? { ...entry, ...more } : entry)),
  });
  expect(rules(goodHistory(), change({ seq: 6 }))).toEqual(['chain']);
  expect(rules({ attempts: [], reads: [] }, change({ balanceAfter: 116n }))).toContain('chain');
});

test('an account below zero is found', () => {
  clockMs = 0;
  const history = { attempts: [attempt({ externalId: 'b1', kind: 'bet' })], reads: [] };
  expect(rules(history, book(['b1', 'bet.place', -10n]))).toEqual(['floor']);
});

test('two answers to one movement are found, and an id that the ledger does not have', () => {
  const good = goodHistory();
  const other = attempt({ externalId: 'w1', kind: 'win', amount: 25n, reply: 'another' });
  expect(judgeHistory({ ...good, attempts: [...good.attempts, other] }, goodLedger)).toEqual([
    'replies: studio/w1 was answered in 2 ways',
  ]);
  const invented = attempt({ externalId: 'w1', kind: 'win', amount: 25n, journalId: 'j-none' });
  expect(judgeHistory({ ...good, attempts: [...good.attempts, invented] }, goodLedger)).toEqual([
    'replies: studio/w1 was told j-none, the ledger has j-w1',
  ]);
});

test('an acknowledgement that shows the balance before its own movement is found', () => {
  clockMs = 0;
  const overlapping = { invokedAtMs: 0, completedAtMs: 50 };
  const ledger = book(['d', 'deposit.capture', 100n], ['b1', 'bet.place', -10n]);
  const judge = (balance: bigint) =>
    rules(
      {
        attempts: [
          attempt({ externalId: 'b1', kind: 'bet', balance: 90n, ...overlapping }),
          attempt({ externalId: 'b1', kind: 'bet', balance, ...overlapping }),
        ],
        reads: [],
      },
      ledger,
    );
  expect(judge(90n)).toEqual([]);
  expect(judge(100n)).toEqual(['reads']);
});

test('a stale read is found, one of the future, and one of a balance that never was', () => {
  const good = goodHistory();
  const read = (invokedAtMs: number, balance: bigint) => ({
    playerId,
    invokedAtMs,
    completedAtMs: invokedAtMs + 1,
    balance,
  });
  for (const [atMs, balance] of [
    // The win was acknowledged at 35.
    [36, 90n],
    // It was asked for at 30.
    [26, 115n],
    [26, 91n],
  ] as const)
    expect(rules({ ...good, reads: [read(atMs, balance)] }, goodLedger)).toEqual(['reads']);
  // While the win is on its way, either balance is true.
  for (const balance of [90n, 115n])
    expect(judgeHistory({ ...good, reads: [read(31, balance)] }, goodLedger)).toEqual([]);
});
