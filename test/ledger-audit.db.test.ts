/** The audit on a real PostgreSQL and a real ClickHouse: one unit of difference stops withdrawals, never bets. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClickHouse } from '#analytics/connect.ts';
import { migrateAnalytics } from '#analytics/migrate.ts';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import type { WithdrawalRow } from '#activities/payments/payment-rows.ts';
import { compareMinutes } from '#activities/wallet/audit/compare-minutes.ts';
import { examineLeaves, openExamination } from '#activities/wallet/audit/examine-leaves.ts';
import { isFullAuditDue } from '#activities/wallet/audit/audit-progress.ts';
import {
  auditFull,
  auditMinute,
  type AuditLimits,
  type AuditRun,
} from '#activities/wallet/audit/run-audit.ts';
import { signCheckpoint } from '#activities/wallet/log/checkpoints.ts';
import { createNoteSigner } from '#activities/wallet/log/signed-note.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import type { RoleName } from '#domain/backoffice/roles.ts';
import { toApplicationFailure } from '#workers/interceptors.ts';
import type { Sink } from '#workers/relay/block.ts';
import { createClickHouseSink } from '#workers/relay/clickhouse-sink.ts';
import { completeBlock, ensureCursor, measureBacklog, takeBlock } from '#workers/relay/cursor.ts';
import { createLedgerLogSink } from '#workers/relay/ledger-log-sink.ts';
import { createTestApi, type TestApi } from './support/api.ts';
import { startClickHouse, type TestClickHouse } from './support/clickhouse.ts';
import { playBook } from './support/book-world.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import type { TestPlayer } from './support/factories.ts';
import { asOwner, betOf, playFor, postGame } from './support/ledger-world.ts';
import {
  approved,
  askDeposit,
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
} from './workflows/payment-world.ts';

let database: TestDatabase;
let server: TestClickHouse;
let clickhouse: ClickHouseClient;
let nobody: ClickHouseClient;
let app: TestApi;
let sinks: readonly Sink[];
let player: { playerId: string; instrumentId: string };
let gambler: TestPlayer;
const alpha = scriptedPsp('alpha');
const signer = createNoteSigner('operator.example/ledger', randomBytes(32));

beforeAll(async () => {
  [database, server] = await Promise.all([createTestDatabase({ connectionsMax: 8 }), startClickHouse()]);
  const reach = {
    url: server.url,
    user: server.user,
    password: { reveal: () => server.password },
    database: 'pitboss',
  };
  const config = { clickhouse: reach } as unknown as Parameters<typeof migrateAnalytics>[0];
  clickhouse = createClickHouse(config);
  nobody = createClickHouse({
    clickhouse: { ...reach, url: 'http://127.0.0.1:1' },
  } as unknown as typeof config);
  sinks = [
    createClickHouseSink(clickhouse, () => migrateAnalytics(config)),
    createLedgerLogSink(database.db),
  ];
  for (const sink of sinks) {
    await ensureCursor(database.db, sink.name);
    await sink.prepare?.();
  }
  app = await createTestApi(database);
  await seedWorld(database.db);
  const playerId = await makePlayer(database.db);
  const deposit = await askDeposit(database.db, playerId, '200.00');
  alpha.play({ authorise: [approved], status: [approved], payout: [approved] });
  const { money, provider } = paymentActivities(database.db, new Map([['alpha', alpha]]));
  await provider.authoriseAttempt({ depositId: deposit.id, number: 1 });
  await money.captureDeposit({ depositId: deposit.id, number: 1 });
  const { id } = await database.db
    .selectFrom('payments.instrument')
    .select('id')
    .where('playerId', '=', playerId)
    .executeTakeFirstOrThrow();
  player = { playerId, instrumentId: id };
  gambler = { id: playerId, brand, jurisdiction: 'MT', currency: 'EUR' };
  await playFor(database.db, gambler, 6);
  await playBook(database);
  await settle();
}, 90_000);

afterAll(async () => {
  await Promise.all([clickhouse?.close(), nobody?.close(), app?.close()]);
  await server?.stop();
  await database?.drop();
});

/** Some minutes pass for what was posted, and the relay does its work: logged, copied, signed. */
async function settle(): Promise<void> {
  const unlogged = `(select (payload ->> 'journalId')::uuid from compliance.outbox where type = 'wallet.journal.posted'
    and not exists (select 1 from wallet.log_leaf l where l.journal_id = (payload ->> 'journalId')::uuid))`;
  await asOwner(
    database,
    `create temp table moved on commit drop as select * from ${unlogged} u(id);
     update wallet.journal set occurred_at = occurred_at - interval '5 min' where id in (select id from moved);
     update compliance.outbox set occurred_at = occurred_at - interval '5 min'
       where type = 'wallet.journal.posted' and (payload ->> 'journalId')::uuid in (select id from moved)`,
  );
  for (const sink of sinks) {
    // Transactions of other test files hold the horizon back for a moment.
    while ((await measureBacklog(database.db, sink.name)).rows > 0) {
      const block = await takeBlock(database.db, sink.name, 5_000);
      if (block === null) {
        await delay(50);
        continue;
      }
      await sink.deliver(block);
      await completeBlock(database.db, sink.name, block);
    }
  }
  await signCheckpoint(database.db, signer);
}

const audit = (
  options: { limits?: Partial<AuditLimits>; stops?: boolean; away?: boolean } = {},
): Promise<AuditRun> =>
  auditMinute({
    db: database.db,
    clickhouse: options.away ? nobody : clickhouse,
    stopsWithdrawals: options.stops ?? true,
    limits: options.limits ?? {},
  });

/** Minutes that were compared are compared again: here everything happens within a few of them. */
const lookAgain = () => asOwner(database, 'update wallet.audit_run set next_minute = null');

const findingsOf = (run: AuditRun): string[] => run.checks.flatMap(({ findings }) => findings);

const withdraw = (amount = '1.00') => {
  const withdrawalId = randomUUID();
  return requestWithdrawal(database.db, {
    withdrawalId,
    playerId: player.playerId,
    brand,
    money: { amount, asset: 'EUR' },
    instrumentId: player.instrumentId,
    fingerprint: fingerprintOf(withdrawalId),
  });
};

async function approvedWithdrawal(): Promise<WithdrawalRow> {
  const result = await withdraw();
  if (!result.ok) throw new Error(result.failure.code);
  for (const state of ['checking', 'approved']) {
    await asOwner(
      database,
      `update payments.withdrawal set state = '${state}' where id = '${result.value.id}'`,
    );
  }
  return result.value;
}

const staff = async (...roles: RoleName[]): Promise<string> => app.signInAs(roles);
const lift = (token: string, reason = 'the row was restored from the backup', key: string = randomUUID()) =>
  app.send('POST', '/admin/v1/ledger/withdrawal-stop/lift', { reason }, { token, key });
const openStop = async (): Promise<unknown> =>
  (await app.send('GET', '/admin/v1/ledger/withdrawal-stop', undefined, { token: await staff('compliance') }))
    .body['stop'];

const oneUnit = (
  sign: '+' | '-',
) => `update wallet.entry set amount = amount ${sign} 1 where player_id is null
  and journal_id = (select journal_id from wallet.log_leaf where index = 3)`;

test('a sound ledger is clean: journals, chains, balances, ClickHouse, signatures, lag', async () => {
  const run = await audit();
  expect(findingsOf(run)).toEqual([]);
  expect(run.checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  expect(run).toMatchObject({ kind: 'minute', outcome: 'clean', hasStopped: false });
  expect(run.checks.find(({ name }) => name.startsWith('ClickHouse'))?.covered).toMatch(/[1-9]\d* entries$/);
  expect(await openStop()).toBeNull();
});

describe('one unit of difference', () => {
  let payout: WithdrawalRow;
  const payouts = () => paymentActivities(database.db, new Map([['alpha', alpha]])).provider;

  test('raises the alarm within one run and stops withdrawals, with their holds in place, and no bet', async () => {
    payout = await approvedWithdrawal();
    const started = await approvedWithdrawal();
    await payouts().startPayout({ withdrawalId: started.id, number: 1 });
    await asOwner(database, oneUnit('+'));
    const run = await audit();
    expect(run).toMatchObject({ outcome: 'different', hasStopped: true });
    expect(findingsOf(run)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^journal .* \(leaf 3\) is not what was logged$/),
        expect.stringMatching(/^journal .* is off by 1 units of EUR$/),
      ]),
    );

    expect(await withdraw()).toMatchObject({
      ok: false,
      failure: { code: 'withdrawals-stopped', retryAfterS: 60 },
    });
    const refusal = await payouts()
      .startPayout({ withdrawalId: payout.id, number: 1 })
      .catch((error: unknown) => error);
    // Temporal repeats it, so that the payout goes on by itself after the stop.
    expect(toApplicationFailure(refusal)).toMatchObject({ type: 'withdrawals-stopped', nonRetryable: false });
    expect(await payouts().sendPayout({ withdrawalId: started.id, number: 1 })).toMatchObject({
      state: 'not_sent',
    });
    expect(alpha.calls).not.toContain('payout');
    const { held } = await database.db
      .selectFrom('wallet.playerWallet')
      .select('held')
      .where('playerId', '=', player.playerId)
      .executeTakeFirstOrThrow();
    expect(BigInt(held)).toBe(3n * 10n ** 12n);
    expect(await postGame(database.db, betOf(gambler, 5n))).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('is written down: a run, two facts, an audit trail, and one stop however often it is seen', async () => {
    const again = await audit();
    expect(again).toMatchObject({ outcome: 'different', hasStopped: false });
    const { rows } = await sql<{ type: string; n: number }>`
      select type, count(*)::int as n from compliance.outbox
      where type in ('wallet.audit.failed', 'wallet.withdrawal-stop.set') group by 1 order by 1`.execute(
      database.db,
    );
    expect(rows).toEqual([
      { type: 'wallet.audit.failed', n: 1 },
      { type: 'wallet.withdrawal-stop.set', n: 1 },
    ]);
    const token = await staff('compliance');
    const list = await app.send('GET', '/admin/v1/ledger/audits?outcome=different&limit=1', undefined, {
      token,
    });
    expect(list.body).toMatchObject({
      items: [{ kind: 'minute', outcome: 'different' }],
      next: expect.any(String),
    });
    expect(JSON.stringify(list.body)).toContain('is off by 1 units of EUR');
    await expect(database.ownerPool.query("update wallet.audit_run set outcome = 'clean'")).rejects.toThrow(
      /append-only/,
    );
    await expect(
      database.ownerPool.query(
        "update wallet.withdrawal_stop set lifted_at = now(), lifted_by = gen_random_uuid(), lift_reason = 'x'",
      ),
    ).rejects.toThrow(/after a clean audit or by two people/);
  });

  test('is lifted by one person after it was repaired and an audit is clean, and by nobody without the right', async () => {
    expect((await lift(await staff('support'))).body['code']).toBe('forbidden');
    expect((await lift(await staff('compliance'), 'short')).body['code']).toBe('invalid-request');
    const lead = await staff('payments-lead');
    const key = randomUUID();
    const reason = 'the row was restored from the backup';
    expect((await lift(lead, reason, '')).body['code']).toBe('idempotency-key-missing');
    const raced = await Promise.all([lift(lead, reason, key), lift(lead, reason, key)]);
    expect(raced.map(({ body }) => body)).toEqual(
      raced.map(() => ({ state: 'awaiting-second', approvals: 1 })),
    );
    expect((await lift(lead, 'for another reason', key)).body['code']).toBe('idempotency-key-reused');
    expect((await lift(lead)).body['code']).toBe('already-decided');
    await asOwner(database, oneUnit('-'));
    await settle();
    const run = await audit();
    expect(findingsOf(run)).toEqual([]);
    expect(run.outcome).toBe('clean');
    expect((await lift(lead)).body).toEqual({ state: 'lifted', approvals: 1 });
    expect(await openStop()).toBeNull();
    const { rows } = await sql<{ reason: string; details: object }>`
      select reason, details from compliance.audit where action = 'wallet.withdrawal-stop.lifted'`.execute(
      database.db,
    );
    expect(rows).toEqual([
      {
        reason: 'the row was restored from the backup',
        details: { stopId: expect.any(String), cleanAuditId: String(run.id) },
      },
    ]);

    expect(await withdraw()).toMatchObject({ ok: true });
    alpha.play({ payout: [approved] });
    expect(await payouts().startPayout({ withdrawalId: payout.id, number: 1 })).toMatchObject({
      state: 'started',
    });
    expect(await payouts().sendPayout({ withdrawalId: payout.id, number: 1 })).toMatchObject({
      state: 'paid',
    });
    expect((await lift(lead)).body['code']).toBe('not-found');
    // The lost answer, asked for again, is about the stop that it was a word on, and no word on any other.
    expect((await lift(lead, reason, key)).body).toEqual({ state: 'lifted', approvals: 1 });
  });

  test('in a balance, in a chain, in the log and in ClickHouse is found as well', async () => {
    await settle();
    const seen = async (change: string, undo: string): Promise<string[]> => {
      await asOwner(database, change);
      const run = await audit({ stops: false });
      await asOwner(database, undo);
      expect((await audit({ stops: false })).outcome).toBe('clean');
      return findingsOf(run);
    };
    const wallet = `update wallet.player_wallet set cash = cash + 1 where player_id = '${player.playerId}'`;
    expect(await seen(wallet, wallet.replace('+ 1', '- 1'))).toEqual([
      expect.stringMatching(/cash shows \d+, its entries sum to \d+$/),
    ]);
    const entry = (sign: string) =>
      `update wallet.entry set balance_after = balance_after ${sign} 1 where player_id = '${player.playerId}' and account = 'cash' and seq = 4`;
    expect(await seen(entry('+'), entry('-'))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^entry 4 of .*\/EUR\/cash .* says/),
        expect.stringMatching(/^entry 5 of .* says/),
      ]),
    );
    const tile =
      'update wallet.log_tile set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where level = 0 and number = 0';
    expect(await seen(tile, tile)).toEqual([
      expect.stringMatching(/\(leaf 1\) is not what was logged$/),
      expect.stringMatching(/^the checkpoint of \d+ leaves has another root than the log$/),
    ]);

    await playFor(database.db, gambler, 1);
    await settle();
    const { rows } = await sql<{ minute: string }>`
      select to_char(date_trunc('minute', max(occurred_at) at time zone 'UTC'), 'YYYY-MM-DD HH24:MI:SS') as minute from wallet.log_leaf`.execute(
      database.db,
    );
    const drift = (units: string) =>
      clickhouse.insert({
        table: 'ledger_minute',
        format: 'JSONEachRow',
        values: [
          {
            minute: rows[0]?.minute,
            brand,
            asset: 'EUR',
            code: 'bet.place',
            side: 'house',
            account: 'house:casino:gaming',
            game: 'slot',
            credits: units,
            debits: '0',
            entries: '0',
          },
        ],
      });
    await drift('1');
    await lookAgain();
    expect(findingsOf(await audit({ stops: false }))).toEqual([
      expect.stringMatching(
        /EUR house:house:casino:gaming: the ledger has \d+ and -?\d+ units in \d+ entries, ClickHouse \d+/,
      ),
    ]);
    await drift('-1');
    expect((await audit({ stops: false })).outcome).toBe('clean');
    expect(await openStop()).toBeNull();
  }, 60_000);
});

test('what cannot be looked at is said, and is no difference', async () => {
  await playFor(database.db, gambler, 1);
  await settle();
  await lookAgain();
  const run = await audit({ away: true });
  expect(run).toMatchObject({ outcome: 'incomplete', hasStopped: false });
  expect(run.checks.filter(({ outcome }) => outcome === 'unseen')).toEqual([
    expect.objectContaining({ covered: 'ClickHouse does not answer' }),
  ]);
  expect((await audit()).checks.find(({ name }) => name.startsWith('ClickHouse'))?.covered).toMatch(
    /[1-9]\d* entries$/,
  );
});

test('a journal that is old is looked at again by the patrol, a bounded number each time', async () => {
  await audit();
  const change = (to: string) =>
    `update wallet.journal set subject = ${to} where id = (select journal_id from wallet.log_leaf where index = 11)`;
  await asOwner(database, change("'forged'"));
  const seen: string[][] = [];
  for (let runs = 0; runs < 8 && seen.flat().length === 0; runs += 1) {
    const run = await audit({ limits: { patrolLeaves: 5 }, stops: false });
    expect(run.checks[0]?.covered).toMatch(/^0 new and [1-5] old journals$/);
    seen.push(findingsOf(run));
  }
  expect(seen.at(-1)).toEqual([expect.stringContaining('(leaf 11) is not what was logged')]);
  await asOwner(database, change('null'));
  expect((await audit()).outcome).toBe('clean');
});

test('two people may accept a difference: it stays visible and stops nothing again, and another one does', async () => {
  const change = (index: number, to: string) =>
    `update wallet.journal set subject = ${to} where id = (select journal_id from wallet.log_leaf where index = ${index})`;
  await asOwner(database, change(2, "'forged'"));
  expect((await audit()).hasStopped).toBe(true);
  expect(
    (await lift(await staff('compliance'), 'known since the migration, see case 12')).body,
  ).toMatchObject({ state: 'awaiting-second' });
  expect((await lift(await staff('payments-lead'), 'known since the migration, see case 12')).body).toEqual({
    state: 'lifted',
    approvals: 2,
  });
  expect(await audit()).toMatchObject({ outcome: 'different', hasStopped: false });
  expect(await openStop()).toBeNull();
  await asOwner(database, change(4, "'forged'"));
  expect((await audit()).hasStopped).toBe(true);
  await asOwner(database, `${change(2, 'null')}; ${change(4, 'null')}`);
  expect((await audit()).outcome).toBe('clean');
  expect((await lift(await staff('compliance'))).body).toMatchObject({ state: 'lifted' });
});

test('the scan of everything sees what no minute does, and only a clean scan of everything undoes its stop', async () => {
  const deps = { db: database.db, stopsWithdrawals: true };
  expect(findingsOf(await auditFull(deps))).toEqual([]);
  const id = '0190dddd-0000-7000-8000-000000000001';
  await asOwner(
    database,
    `insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, occurred_at, fingerprint)
    values ('${id}', 'x', 'x', 'bet.place', 'EUR', 'aurora', 1, now(), '\\x00')`,
  );
  const run = await auditFull(deps);
  expect(findingsOf(run)).toEqual([`journal ${id} is in the ledger and was never posted`]);
  expect(run.hasStopped).toBe(true);
  await asOwner(database, `delete from wallet.journal where id = '${id}'`);
  expect((await audit()).outcome).toBe('clean');
  const token = await staff('compliance');
  expect((await lift(token)).body).toMatchObject({ state: 'awaiting-second' });
  expect(
    (await app.send('POST', '/admin/v1/ledger/audits', { reason: 'the row was removed' }, { token })).status,
  ).toBe(202);
  expect(await isFullAuditDue(database.db, 23)).toBe(true);
  expect((await auditFull(deps)).outcome).toBe('clean');
  expect((await lift(token)).body).toMatchObject({ state: 'lifted' });
});

test('the scan of everything is due once a night, after its hour', async () => {
  const { rows } = await sql<{
    hour: number;
  }>`select extract(hour from now() at time zone 'UTC')::int as hour`.execute(database.db);
  expect(await isFullAuditDue(database.db, rows[0]?.hour ?? 0)).toBe(false);
  await asOwner(
    database,
    "update wallet.audit_run set started_at = started_at - interval '1 day'; delete from wallet.audit_request",
  );
  expect(await isFullAuditDue(database.db, rows[0]?.hour ?? 0)).toBe(true);
});

test('a run reads the ledger by keys alone, however large it is', async () => {
  await database.ownerPool.query(`
    begin;
    insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, occurred_at, fingerprint)
      select gen_random_uuid(), 'bulk', n::text, 'test.copy', 'EUR', 'aurora', 1, now(), '\\x00' from generate_series(1, 20000) n;
    insert into wallet.entry (journal_id, line, asset, account, amount)
      select id, line, 'EUR', 'house:other', case line when 0 then 1 else -1 end from wallet.journal, generate_series(0, 1) line
      where integration = 'bulk';
    commit`);
  await playFor(database.db, gambler, 3);
  await settle();
  // As autovacuum would have it, of every table that the plans are made of.
  await database.ownerPool.query('analyze');
  // A connection of its own: what another statement of the last second scanned would be counted, too.
  const pool = openPool({ url: database.writerUrl, applicationName: 'counted', connectionsMax: 1 });
  const counted = createDatabase(pool);
  const { rows } = await counted.transaction().execute(async (trx) => {
    await examineLeaves(trx, 0, 40, openExamination());
    await compareMinutes(trx, clickhouse, null);
    return sql<{ name: string; scans: bigint; probes: boolean }>`
      select relname as name, seq_scan as scans, idx_scan > 0 as probes from pg_stat_xact_user_tables
      where schemaname = 'wallet' and relname in ('journal', 'entry') order by 1`.execute(trx);
  });
  await counted.destroy();
  expect(rows).toEqual([
    { name: 'entry', scans: 0n, probes: true },
    { name: 'journal', scans: 0n, probes: true },
  ]);
}, 60_000);

test('a pool without a statement limit has no limit on the client either', async () => {
  const pool = openPool({
    url: database.url,
    applicationName: 'patient',
    connectionsMax: 1,
    statementTimeoutMs: 0,
  });
  await expect(pool.query('select pg_sleep(2.3)')).resolves.toBeDefined();
  await pool.end();
});
