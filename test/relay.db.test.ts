/** The relay against a real PostgreSQL and a real ClickHouse: nothing lost, nothing twice, whoever is killed when. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { ledgerTotals, type LedgerTotal } from '#analytics/queries/ledger-totals.ts';
import { orThrow, fail, FailureError } from '#domain/failures.ts';
import { programPath } from '#platform/joined-programs.ts';
import { createMetrics } from '#workers/metrics.ts';
import { deduplicationToken, type Block, type Sink } from '#workers/relay/block.ts';
import {
  completeBlock,
  CursorMovedError,
  ensureCursor,
  measureBacklog,
  takeBlock,
} from '#workers/relay/cursor.ts';
import { startLoop } from '#workers/relay/loop.ts';
import { createTemporalSink } from '#workers/relay/temporal-sink.ts';
import { startClickHouse, type TestClickHouse } from './support/clickhouse.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { makePlayer, oneEuro, type TestPlayer } from './support/factories.ts';
import { freePort } from './support/ports.ts';
import { answersOk, startProcess, type TestProcess } from './support/processes.ts';

const log = pino({ level: 'silent' });
const actor = { kind: 'system', id: 'test' } as const;
const utcDay = (): string => new Date().toISOString().slice(0, 10);
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
});
afterAll(() => database.drop());

/** One small fact, committed. */
async function appendFact(): Promise<string> {
  const operatorId = randomUUID();
  await database.db.transaction().execute((trx) =>
    appendEvent(
      trx,
      {
        type: 'backoffice.operator.signed-in',
        version: 1,
        brand: 'aurora',
        playerId: null,
        payload: { operatorId },
      },
      { actor, subject: `operator:${operatorId}` },
    ),
  );
  return operatorId;
}

const operatorsIn = (block: Block | null): unknown[] =>
  (block?.facts ?? []).map(({ payload }) => ('operatorId' in payload ? payload.operatorId : undefined));

/**
 * Waits until nobody holds the cursor back from what has been committed so far. Transaction ids belong to the whole
 * cluster, so a transaction of another test file, in another database, holds it back too.
 */
async function settled(): Promise<void> {
  const { rows } = await sql<{ xmax: string }>`
    select pg_snapshot_xmax(pg_current_snapshot())::text as xmax`.execute(database.db);
  const isBehindUs = async () =>
    (
      await sql<{ past: boolean }>`
        select pg_snapshot_xmin(pg_current_snapshot()) >= ${rows[0]?.xmax}::text::xid8 as past`.execute(
        database.db,
      )
    ).rows[0]?.past;
  await expect.poll(isBehindUs, { timeout: 20_000, interval: 20 }).toBe(true);
}

/** The next block, once nobody outside this test holds it back. */
async function takeSettled(sink: string, rowsMax: number): Promise<Block | null> {
  await settled();
  return takeBlock(database.db, sink, rowsMax);
}

/** Delivers everything there is, so that a test begins at the end of the outbox. */
async function drained(sink: string): Promise<string> {
  await ensureCursor(database.db, sink);
  await settled();
  for (
    let block = await takeBlock(database.db, sink, 5_000);
    block !== null;
    block = await takeBlock(database.db, sink, 5_000)
  ) {
    await completeBlock(database.db, sink, block);
  }
  return sink;
}

describe('the cursor', () => {
  test('waits for a transaction that took a lower id and commits later', async () => {
    const sink = await drained('late-commit');
    const slow = await database.pool.connect();
    try {
      await slow.query('begin');
      const late = randomUUID();
      await slow.query(
        `insert into compliance.outbox (event_id, type, version, brand, occurred_at, payload)
         values (gen_random_uuid(), 'backoffice.operator.signed-in', 1, 'aurora', now(), jsonb_build_object('operatorId', $1::text))`,
        [late],
      );
      const early = await appendFact();
      expect(await takeBlock(database.db, sink, 100)).toBeNull();
      expect((await measureBacklog(database.db, sink)).rows).toBe(1);
      await slow.query('commit');
      const block = await takeSettled(sink, 100);
      expect(operatorsIn(block)).toEqual([late, early]);
    } finally {
      slow.release();
    }
  });

  test('gives the identical block under the identical token until it is completed', async () => {
    const sink = await drained('identical');
    const mine = [await appendFact(), await appendFact()];
    const first = await takeSettled(sink, 100);
    await appendFact();
    const again = await takeBlock(database.db, sink, 1);
    expect(operatorsIn(again)).toEqual(mine);
    expect(again).toEqual(first);
    if (!first || !again) throw new Error('no block');
    expect(deduplicationToken(again)).toBe(deduplicationToken(first));
    await completeBlock(database.db, sink, again);
    expect(operatorsIn(await takeSettled(sink, 100))).not.toContain(mine[0]);
  });

  test('keeps the order of commits where a transaction id gains a digit', async () => {
    const insert = (xid: number) =>
      database.pool.query(
        `insert into compliance.outbox (xid, event_id, type, version, brand, occurred_at, payload)
         values ($1::text::xid8, gen_random_uuid(), 'backoffice.operator.signed-in', 1, 'aurora', now(), jsonb_build_object('operatorId', $1::text))`,
        [xid],
      );
    await insert(10);
    await insert(9);
    await ensureCursor(database.db, 'digits');
    expect(operatorsIn(await takeBlock(database.db, 'digits', 2))).toEqual(['9', '10']);
  });

  test('refuses a relay that completes a block which another one has completed', async () => {
    const sink = await drained('two-relays');
    await appendFact();
    const block = await takeSettled(sink, 100);
    if (!block) throw new Error('no block');
    await completeBlock(database.db, sink, block);
    await expect(completeBlock(database.db, sink, block)).rejects.toThrow(CursorMovedError);
  });
});

describe('the loops', () => {
  const sinkOf = (name: string, deliver: Sink['deliver']): Sink => ({
    name,
    blockRowsMax: 50,
    restMs: 0,
    deliver,
  });

  test('a dead sink holds nobody else back, and gets everything when it is back', async () => {
    await drained('dead');
    await drained('alive');
    const taken = { dead: [] as unknown[], alive: [] as unknown[] };
    let isDown = true;
    const stop = new AbortController();
    const deps = { db: database.db, log, metrics: createMetrics() };
    const loops = [
      startLoop(
        deps,
        sinkOf('dead', async (block) => {
          if (isDown) throw new Error('away');
          taken.dead.push(...operatorsIn(block));
        }),
        stop.signal,
      ),
      startLoop(
        deps,
        sinkOf('alive', async (block) => void taken.alive.push(...operatorsIn(block))),
        stop.signal,
      ),
    ];
    const mine = [await appendFact(), await appendFact(), await appendFact()];
    await expect.poll(() => taken.alive, { timeout: 20_000 }).toEqual(mine);
    expect(taken.dead).toEqual([]);
    await expect.poll(() => loops[0]?.state.state, { timeout: 5_000 }).toBe('failing');
    isDown = false;
    await expect.poll(() => taken.dead, { timeout: 10_000 }).toEqual(mine);
    stop.abort();
    await Promise.all(loops.map(({ ended }) => ended));
  });

  test('a fact that no route can follow becomes a dead letter; an absent Temporal is waited for', async () => {
    await drained('temporal');
    const told: string[] = [];
    let isAway = true;
    const sink = createTemporalSink({
      db: database.db,
      log,
      temporal: async () => {
        if (isAway) throw new FailureError(fail('dependency-unavailable', 'away').failure);
        return {} as Client;
      },
      routes: {
        'backoffice.operator.signed-in': async (_client, { payload }) => {
          if (payload.operatorId === poison) throw new TypeError('this route has a bug');
          told.push(payload.operatorId);
        },
      },
    });
    const poison = await appendFact();
    const healthy = await appendFact();
    const stop = new AbortController();
    const loop = startLoop({ db: database.db, log, metrics: createMetrics() }, sink, stop.signal);
    await expect.poll(() => loop.state.failures, { timeout: 10_000 }).toBeGreaterThan(2);
    const letters = () => database.db.selectFrom('compliance.relayDeadLetter').select('reason').execute();
    expect(await letters()).toEqual([]);
    isAway = false;
    await expect.poll(letters, { timeout: 20_000 }).toEqual([{ reason: 'TypeError: this route has a bug' }]);
    await expect
      .poll(async () => (await measureBacklog(database.db, 'temporal')).rows, { timeout: 10_000 })
      .toBe(0);
    expect(told).toContain(healthy);
    stop.abort();
    await loop.ended;
  });
});

describe('the process, with Temporal away all the time', () => {
  let clickhouse: TestClickHouse;
  let reader: ClickHouseClient;
  let players: TestPlayer[];

  beforeAll(async () => {
    clickhouse = await startClickHouse();
    reader = createClient({
      url: clickhouse.url,
      username: clickhouse.user,
      password: clickhouse.password,
      database: 'pitboss',
    });
    players = await Promise.all(Array.from({ length: 5 }, () => makePlayer(database.db)));
  });
  afterAll(async () => {
    await reader.close();
    await clickhouse.stop();
  });

  async function startRelay(): Promise<TestProcess> {
    const [metricsPort, nobody] = [await freePort(), await freePort()];
    return startProcess({
      args: [programPath('workers/outbox-relay.ts')],
      env: {
        PITBOSS_MODE: 'test',
        DATABASE_URL: undefined,
        DATABASE_WRITER_URL: database.writerUrl,
        DATABASE_READER_URL: database.readerUrl,
        TEMPORAL_ADDRESS: `127.0.0.1:${nobody}`,
        CLICKHOUSE_URL: clickhouse.url,
        CLICKHOUSE_USER: clickhouse.user,
        CLICKHOUSE_PASSWORD: clickhouse.password,
        KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        BLIND_INDEX_KEY: randomBytes(32).toString('base64'),
        PAYLOAD_CODEC_KEY: randomBytes(32).toString('base64'),
        METRICS_PORT: String(metricsPort),
      },
      isReady: () => answersOk(`http://127.0.0.1:${metricsPort}/readyz`),
    });
  }

  let posted = 0;
  async function postDeposits(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const player = players[index % players.length];
      if (!player) continue;
      posted += 1;
      const key = `deposit:test-${posted}:capture`;
      const amount = oneEuro * BigInt(1 + (posted % 7)) + BigInt(posted);
      await database.db.transaction().execute(async (trx) =>
        orThrow(
          await postTransfer(trx, {
            key,
            playerId: player.id,
            asset: 'EUR',
            amount,
            subject: `deposit:test-${posted}`,
            transfer: { code: 'deposit.capture', psp: 'alpha' },
          }),
        ),
      );
    }
  }

  const inClickHouse = async (query: string): Promise<Record<string, string> | undefined> =>
    (await (await reader.query({ query, format: 'JSONEachRow' })).json<Record<string, string>>())[0];
  const eventCount = async (): Promise<number> =>
    Number(
      (await inClickHouse('select toString(count()) as n from event').catch(() => undefined))?.['n'] ?? 0,
    );

  /** Of two days where midnight has passed since the first of them. */
  const totalsSince = async (first: string): Promise<LedgerTotal[]> => {
    const days = new Set([first, utcDay()]);
    const totals = new Map<string, LedgerTotal>();
    for (const day of days)
      for (const total of await ledgerTotals(reader, day, null)) {
        const name = `${total.asset} ${total.account}`;
        const { units = 0n, entries = 0 } = totals.get(name) ?? {};
        totals.set(name, { ...total, units: units + total.units, entries: entries + total.entries });
      }
    return [...totals.values()];
  };

  test('every journal arrives exactly once although relay and ClickHouse are killed in the middle', async () => {
    const began = utcDay();
    let relay = await startRelay();
    try {
      for (let turn = 0; turn < 4; turn += 1) {
        const writing = postDeposits(60);
        await delay(150 + turn * 60);
        await relay.kill9();
        if (turn % 2 === 1) {
          await clickhouse.process.kill9();
          await clickhouse.restart();
        }
        relay = await startRelay();
        await writing;
      }
      const { rows } = await sql<{ n: number }>`select count(*)::int as n from compliance.outbox`.execute(
        database.db,
      );
      await expect.poll(eventCount, { timeout: 25_000, interval: 200 }).toBe(rows[0]?.n);

      const distinct = await inClickHouse('select toString(uniqExact(event_id)) as n from event');
      expect(distinct?.['n']).toBe(String(rows[0]?.n));
      const ledger = await sql<{ asset: string; account: string; units: string; entries: number }>`
        select asset, case when player_id is null then account else 'player:' || account end as account,
          sum(amount)::text as units, count(*)::int as entries
        from wallet.entry group by 1, 2 order by 1, 2`.execute(database.db);
      const expected = ledger.rows.map((row) => ({ ...row, units: BigInt(row.units) }));
      expect(expected).not.toEqual([]);
      // A block's facts are seen before what is derived from them: the insert ends, and the cursor moves, after both.
      await expect.poll(() => totalsSince(began), { timeout: 25_000 }).toEqual(expected);
      expect(await ledgerTotals(reader, utcDay(), ['brand-of-nobody'])).toEqual([]);
      const minutes = () =>
        inClickHouse(
          `select toString(sum(credits)) as credits, toString(sum(debits)) as debits, toString(sum(entries)) as entries from ledger_minute`,
        );
      const clearing = expected.find(({ account }) => account === 'psp:alpha:clearing');
      await expect.poll(minutes, { timeout: 25_000 }).toEqual({
        credits: String(-(clearing?.units ?? 0n)),
        debits: String(clearing?.units),
        entries: String(expected.reduce((sum, { entries }) => sum + entries, 0)),
      });
    } finally {
      await relay.stop();
    }
  }, 90_000);
});
