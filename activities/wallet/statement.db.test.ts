/** Balances as of an instant and statements of any period, held against what was noted while the money moved. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'kysely';
import { createDatabase, openPool } from '#db/connect.ts';
import type { Transfer } from '#domain/wallet/commands.ts';
import { pools, type Pool } from '#domain/wallet/chart.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makePlayer, oneEuro, type TestPlayer } from '#test/support/factories.ts';
import { balancesAt, resolvePeriod } from './balances-at.ts';
import { readBalances } from './player-wallet.ts';
import { postTransfer } from './post.ts';
import { isStatementCursor, readStatement, type StatementLine } from './statement.ts';
import { createWalletWriter } from './writer.ts';

/** What stood at an instant, by the current balances that were read right then. */
type Note = { readonly at: string; readonly balances: Readonly<Record<Pool, bigint>> };

let database: TestDatabase;
let player: TestPlayer;
const notes: Note[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  player = await makePlayer(database.db);
  await note();
  for (let n = 0; n < 90; n += 1) {
    await post(n);
    if (n % 3 === 0) await note();
  }
  await betsInOneBatch();
  await note();
});
afterAll(() => database?.drop());

async function note(): Promise<void> {
  const [row] = await readBalances(database.db, player.id);
  const { rows } = await sql<{ at: string }>`
    select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`.execute(
    database.db,
  );
  const { cash, bonus, held, receivable } = row!;
  notes.push({ at: rows[0]!.at, balances: { cash, bonus, held, receivable } });
}

/** A walk that reaches every pool: deposits, holds, corrections that leave debts, an award given and forfeited. */
async function post(n: number): Promise<void> {
  const awardId = '00000000-0000-4000-8000-000000000001';
  const amount = BigInt(1 + ((n * 7919) % 97)) * (oneEuro / 100n);
  const steps: readonly Transfer[] = [
    { code: 'deposit.capture', psp: 'alpha' },
    { code: 'hold.place' },
    { code: 'adjustment.post', direction: 'debit', mayOwe: true },
    { code: 'hold.capture', to: 'suspense:legal-orders' },
    { code: 'bonus.award', awardId, wagering: 0n, betMax: null, expiresAtMs: Date.now() + 3_600_000 },
    { code: 'hold.release' },
    n % 2 === 0 ? { code: 'bonus.convert', awardId } : { code: 'bonus.forfeit', awardId },
  ];
  await database.db.transaction().execute((trx) =>
    postTransfer(trx, {
      key: `step:${n}`,
      playerId: player.id,
      asset: 'EUR',
      amount,
      subject: `step:${n}`,
      transfer: steps[n % steps.length]!,
    }),
  );
}

/** Many journals of one instant. */
async function betsInOneBatch(): Promise<void> {
  const writer = createWalletWriter({ pool: database.pool });
  const nowMs = Date.now();
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      writer.submit({
        kind: 'bet',
        key: { integration: 'i', externalId: `b${n}` },
        playerId: player.id,
        asset: 'EUR',
        game: 'g',
        round: `r${n}`,
        roundClosed: true,
        fingerprint: 'ab',
        amount: oneEuro / 1_000n,
        sessionIssuedAtMs: nowMs,
        sessionExpiresAtMs: nowMs + 60_000,
        contributionBps: 10_000,
        guardMs: 30_000,
      }),
    ),
  );
  await writer.close();
  expect(outcomes.filter(({ ok }) => ok).length).toBeGreaterThan(0);
}

const balanceOf = (standings: readonly { account: Pool; balance: bigint }[]) =>
  Object.fromEntries(standings.map(({ account, balance }) => [account, balance]));

const wholeStatement = async (from: string, to: string, limit: number) => {
  const lines: StatementLine[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page = await readStatement(database.db, {
      playerId: player.id,
      asset: 'EUR',
      from,
      to,
      limit,
      cursor,
    });
    lines.push(...page!.lines);
    expect(page!.lines.length).toBeLessThanOrEqual(limit);
    if (page!.next === null) return { last: page!, lines };
    expect(isStatementCursor(page!.next)).toBe(true);
    cursor = page!.next;
  }
};

test('the walk reaches every pool, so that the properties below are about something', () => {
  for (const pool of pools)
    expect(notes.filter(({ balances }) => balances[pool] !== 0n).length, pool).toBeGreaterThan(2);
});

test('balances as of a noted instant are the ones that stood then', async () => {
  for (const { at, balances } of notes) {
    const { wallets } = await balancesAt(database.db, player.id, at);
    expect(balanceOf(wallets.get('EUR')!)).toEqual(balances);
  }
});

test('an instant is looked for once per pool, however many entries a player has', async () => {
  const counting = createDatabase(
    openPool({ url: database.url, applicationName: 'pitboss-test-counting', connectionsMax: 1 }),
  );
  const calls = async (): Promise<number> => {
    await sql`select pg_stat_force_next_flush()`.execute(counting);
    const { rows } = await sql<{ calls: number }>`
      select coalesce(sum(calls), 0)::int as calls from pg_stat_user_functions where funcname = 'seq_before'`.execute(
      counting,
    );
    return rows[0]!.calls;
  };
  try {
    await sql`set track_functions = 'pl'`.execute(counting);
    const before = await calls();
    await balancesAt(counting, player.id, notes.at(-1)!.at);
    expect((await calls()) - before).toBe(pools.length);
  } finally {
    await counting.destroy();
  }
});

test('the instant of an entry includes it, the microsecond before does not', async () => {
  const { rows } = await database.pool.query<{ at: string; before: string; seq: bigint; balance: string }>(
    `select to_char(j.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
       to_char((j.occurred_at - interval '1 microsecond') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as before,
       e.seq, e.balance_after as balance
     from wallet.entry e join wallet.journal j on j.id = e.journal_id
     where e.player_id = $1 and e.account = 'cash' and j.code <> 'bet.place' order by e.seq`,
    [player.id],
  );
  expect(rows.length).toBeGreaterThan(20);
  for (const [index, row] of rows.entries()) {
    const cash = async (at: string) =>
      balanceOf((await balancesAt(database.db, player.id, at)).wallets.get('EUR')!)['cash'];
    expect(await cash(row.at)).toBe(BigInt(row.balance));
    expect(await cash(row.before)).toBe(BigInt(rows[index - 1]?.balance ?? 0));
  }
});

test('opening + movements = closing for any period and any page length, and the pages are the whole', async () => {
  const places = fc.nat({ max: notes.length - 1 });
  await fc.assert(
    fc.asyncProperty(places, places, fc.integer({ min: 1, max: 40 }), async (one, other, limit) => {
      const [first, second] = one < other ? [notes[one]!, notes[other]!] : [notes[other]!, notes[one]!];
      const { last, lines } = await wholeStatement(first.at, second.at, limit);
      expect(balanceOf(last.opening)).toEqual(first.balances);
      expect(balanceOf(last.closing)).toEqual(second.balances);
      for (const pool of pools) {
        const own = lines.filter(({ account }) => account === pool);
        const moved = own.reduce((sum, { amount }) => sum + amount, 0n);
        expect(first.balances[pool] + moved).toBe(second.balances[pool]);
        // Without gaps, each explained by the one before.
        const begin = last.opening.find(({ account }) => account === pool)!;
        let { seq, balance } = begin;
        for (const line of own) {
          seq += 1n;
          balance += line.amount;
          expect([line.seq, line.balanceAfter]).toEqual([seq, balance]);
        }
        expect(last.closing.find(({ account }) => account === pool)!.seq).toBe(seq);
      }
      const times = lines.map(({ occurredAt }) => occurredAt);
      expect(times).toEqual(times.toSorted());
      expect(times.every((time) => time >= first.at && time < second.at)).toBe(true);
      const whole = await readStatement(database.db, {
        playerId: player.id,
        asset: 'EUR',
        from: first.at,
        to: second.at,
        limit: 200,
        cursor: null,
      });
      expect(lines).toEqual(whole!.lines);
      for (const pool of pools) {
        const total = whole!
          .totals!.filter(({ account }) => account === pool)
          .reduce((sum, { amount }) => sum + amount, 0n);
        expect(first.balances[pool] + total).toBe(second.balances[pool]);
      }
      expect(whole!.totals!.reduce((sum, { entries }) => sum + entries, 0)).toBe(lines.length);
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('adjacent periods share nothing and leave nothing out', async () => {
  const [first, middle, last] = [notes[0]!.at, notes[12]!.at, notes.at(-1)!.at];
  const { lines: early } = await wholeStatement(first, middle, 50);
  const { lines: late } = await wholeStatement(middle, last, 50);
  const { lines: all } = await wholeStatement(first, last, 50);
  expect([...early, ...late]).toEqual(all);
});

test('entries that come after the first page do not move the ends of a statement that is being read', async () => {
  const other = await makePlayer(database.db);
  const deposit = (n: number) =>
    database.db.transaction().execute((trx) =>
      postTransfer(trx, {
        key: `later:${n}`,
        playerId: other.id,
        asset: 'EUR',
        amount: oneEuro,
        subject: `later:${n}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    );
  for (let n = 0; n < 4; n += 1) await deposit(n);
  const query = {
    playerId: other.id,
    asset: 'EUR',
    from: notes[0]!.at,
    to: '2099-01-01T00:00:00Z',
    limit: 3,
  };
  const first = await readStatement(database.db, { ...query, cursor: null });
  await deposit(4);
  const second = await readStatement(database.db, { ...query, cursor: first!.next });
  expect(second!.lines.map(({ seq }) => seq)).toEqual([4n]);
  expect(second).toMatchObject({ next: null, totals: null });
  expect(balanceOf(second!.closing)['cash']).toBe(4n * oneEuro);
});

test('a cursor of somebody’s own making stays inside the period', async () => {
  const [from, to] = [notes[5]!.at, notes[9]!.at];
  const { lines } = await wholeStatement(from, to, 200);
  const forged = '0-999999999999999999.0-999999999999999999.0-999999999999999999.0-999999999999999999';
  const query = { playerId: player.id, asset: 'EUR', from, to, limit: 200, cursor: forged };
  const page = await readStatement(database.db, query);
  expect(page!.lines).toEqual(lines);
  expect(balanceOf(page!.closing)).toEqual(notes[9]!.balances);
  for (const text of ['', '1-2', '1-2.1-2.1-2', "1-2.1-2.1-2.1-2'", '-1-2.1-2.1-2.1-2', 'a-b.1-2.1-2.1-2'])
    expect(isStatementCursor(text), text).toBe(false);
});

test('a period ends now at the latest, and an unknown wallet has no statement', async () => {
  const { from, to, days } = await resolvePeriod(database.db, {
    from: notes[0]!.at,
    to: '2099-01-01T00:00:00Z',
  });
  expect(from).toBe(notes[0]!.at);
  expect(to < '2099').toBe(true);
  expect(days).toBeGreaterThan(0);
  expect(
    await readStatement(database.db, {
      playerId: randomUUID(),
      asset: 'EUR',
      from,
      to,
      limit: 10,
      cursor: null,
    }),
  ).toBeNull();
});
