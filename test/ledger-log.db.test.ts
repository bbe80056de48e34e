/** The ledger's log on a real PostgreSQL: one leaf per journal whoever is killed, and proofs that somebody else's code accepts. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendJournals } from '#activities/wallet/log/build-log.ts';
import { findCheckpoint, LogForkedError, signCheckpoint } from '#activities/wallet/log/checkpoints.ts';
import { leavesBetween } from '#activities/wallet/log/leaf-rows.ts';
import { proveConsistency, proveInclusion } from '#activities/wallet/log/proofs.ts';
import { createNoteSigner } from '#activities/wallet/log/signed-note.ts';
import { leafHashesBetween, readLogSize, rootAt } from '#activities/wallet/log/tiles.ts';
import { orThrow } from '#domain/failures.ts';
import { coveredColumns, leafText } from '#domain/wallet/journal-leaf.ts';
import { programPath } from '#platform/joined-programs.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { makeDeposit, makePlayer, oneEuro, type TestPlayer } from './support/factories.ts';
import { freePort } from './support/ports.ts';
import { answersOk, startProcess, type TestProcess } from './support/processes.ts';
import {
  leafHashOf,
  provesConsistency,
  provesInclusion,
  readSignedCheckpoint,
  treeHash,
} from './support/rfc6962.ts';

let database: TestDatabase;
let player: TestPlayer;
const signer = createNoteSigner('operator.example/ledger', randomBytes(32));

beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  player = await makePlayer(database.db);
});
afterAll(() => database.drop());

async function postJournals(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at += 1) {
    ids.push((await makeDeposit(database.db, player, oneEuro + BigInt(at))).journalId);
  }
  return ids;
}

/** Copies of one journal, so that a tree of many leaves costs seconds and not minutes. */
async function cloneJournals(count: number): Promise<string[]> {
  const { rows } = await database.ownerPool.query<{ id: string }>(
    `insert into wallet.journal (id, integration, external_id, code, asset, brand, player_id, amount, occurred_at, fingerprint)
     select gen_random_uuid(), 'copies', gen_random_uuid()::text, 'test.copy', 'EUR', 'aurora', null, 1, now(), '\\x00'
     from generate_series(1, $1) returning id`,
    [count],
  );
  return rows.map(({ id }) => id);
}

const path = (hashes: readonly string[]): Buffer[] => hashes.map((hash) => Buffer.from(hash, 'base64'));
const leafHashes = async (size: number): Promise<Buffer[]> =>
  (await leafHashesBetween(database.db, 0, size)).map((hash) => Buffer.from(hash));

/** As only the owner can, with triggers off. */
async function asOwner(text: string): Promise<void> {
  const client = await database.ownerPool.connect();
  try {
    await client.query(`begin; set local session_replication_role = replica; ${text}; commit`);
  } finally {
    client.release();
  }
}

describe('the log', () => {
  test('holds each journal once, in order, whatever is repeated and by how many builders at a time', async () => {
    const ids = await postJournals(9);
    await appendJournals(database.db, ids.slice(0, 4));
    await Promise.all([
      appendJournals(database.db, ids.slice(2, 9)),
      appendJournals(database.db, ids.slice(0, 9)),
      appendJournals(database.db, [...ids.slice(4, 9), ...ids.slice(4, 9)]),
    ]);
    const leaves = await leavesBetween(database.db, 0, 100);
    expect(leaves.map(({ leaf }) => leaf.id)).toEqual(ids);
    expect(await leafHashes(9)).toEqual(leaves.map(({ leaf }) => leafHashOf(leafText(leaf))));
    expect(Buffer.from(await rootAt(database.db, 9))).toEqual(treeHash(await leafHashes(9)));
  });

  test('refuses to build over a journal that was posted and is not in the ledger', async () => {
    const size = await readLogSize(database.db);
    const lost = '01900000-0000-7000-8000-000000000000';
    await expect(appendJournals(database.db, [lost])).rejects.toThrow(lost);
    expect(await readLogSize(database.db)).toBe(size);
  });

  test('grows over several tiles in blocks of any size, and every tile is what its leaves say', async () => {
    const ids = await cloneJournals(1_400);
    for (let at = 0, step = 1; at < ids.length; at += step, step = (step * 7 + 3) % 521 || 256) {
      await appendJournals(database.db, ids.slice(at, at + step));
    }
    const size = await readLogSize(database.db);
    const hashes = await leafHashes(size);
    for (const part of [1, 255, 256, 257, 511, 512, 513, 1_024, 1_279, size]) {
      expect(Buffer.from(await rootAt(database.db, part))).toEqual(treeHash(hashes.slice(0, part)));
    }
    const { rows } = await sql<{ level: number; width: number }>`
      select level, sum(length(hashes) / 32)::int as width from wallet.log_tile group by 1 order by 1`.execute(
      database.db,
    );
    expect(rows).toEqual([
      { level: 0, width: size },
      { level: 1, width: Math.floor(size / 256) },
    ]);
  });

  test('covers every column of the ledger', async () => {
    const { rows } = await sql<{ name: string; column: string }>`
      select table_name as name, column_name as column from information_schema.columns
      where table_schema = 'wallet' and table_name in ('journal', 'entry') order by 2`.execute(database.db);
    const columnsOf = (table: string) =>
      rows.filter(({ name }) => name === table).map(({ column }) => column);
    expect(columnsOf('journal')).toEqual([...coveredColumns.journal]);
    expect(columnsOf('entry')).toEqual([...coveredColumns.entry]);
  });

  test('cannot be changed by the platform, and a tile only grows', async () => {
    const refused = (text: string) =>
      expect(database.ownerPool.query(text)).rejects.toThrow(/append-only|only grows/);
    await refused('update wallet.log_leaf set index = index + 100000');
    await refused('delete from wallet.log_leaf');
    await refused(
      'update wallet.log_tile set hashes = set_byte(hashes, 0, 1) where level = 0 and number = 0',
    );
    await refused(
      'update wallet.log_tile set hashes = substring(hashes for 32) where level = 0 and number = 0',
    );
    await refused('delete from wallet.log_tile');
    await refused('truncate wallet.log_checkpoint cascade');
  });
});

describe('checkpoints and proofs', () => {
  test('every checkpoint is a note that others can open, and is signed only when there is growth', async () => {
    const first = await signCheckpoint(database.db, signer);
    expect(await signCheckpoint(database.db, signer)).toBeNull();
    const size = await readLogSize(database.db);
    expect(readSignedCheckpoint(first?.note ?? '', signer.vkey)).toEqual({
      origin: 'operator.example/ledger',
      size,
      root: treeHash(await leafHashes(size)),
    });
    const stranger = createNoteSigner(signer.name, randomBytes(32));
    expect(readSignedCheckpoint(first?.note ?? '', stranger.vkey)).toBeNull();
  });

  test('an inclusion proof convinces a verifier that shares nothing with us, and only of this journal', async () => {
    const ids = await postJournals(3);
    await appendJournals(database.db, ids);
    expect(await proveInclusion(database.db, ids[0] ?? '')).toMatchObject({
      failure: { code: 'proof-pending' },
    });
    await signCheckpoint(database.db, signer);
    const last = await findCheckpoint(database.db, 'latest');
    for (const id of ids) {
      const proof = orThrow(await proveInclusion(database.db, id));
      const signed = readSignedCheckpoint(proof.checkpoint.note, signer.vkey);
      expect(signed?.size).toBe(last?.size);
      const claim = {
        leafHash: leafHashOf(proof.leaf),
        index: proof.index,
        size: signed?.size ?? 0,
        path: path(proof.path),
        root: signed?.root ?? Buffer.alloc(0),
      };
      expect(provesInclusion(claim)).toBe(true);
      expect(JSON.parse(proof.leaf)).toMatchObject({ id, code: 'deposit.capture', playerId: player.id });
      expect(provesInclusion({ ...claim, leafHash: leafHashOf(proof.leaf.replace('EUR', 'USD')) })).toBe(
        false,
      );
    }
  });

  test('an old journal is proven in a few hashes without the ledger being read again', async () => {
    const [first] = await leavesBetween(database.db, 0, 1);
    const proof = orThrow(
      await proveInclusion(
        database.db,
        first?.leaf.id ?? '',
        (await findCheckpoint(database.db, 'latest'))?.size,
      ),
    );
    expect(proof.path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(proof.checkpoint.size)));
  });

  test('a consistency proof holds between any two checkpoints, and not for a forged one', async () => {
    await appendJournals(database.db, await cloneJournals(300));
    await signCheckpoint(database.db, signer);
    const { rows } = await sql<{ size: bigint }>`select size from wallet.log_checkpoint order by 1`.execute(
      database.db,
    );
    const sizes = rows.map(({ size }) => Number(size));
    expect(sizes.length).toBeGreaterThanOrEqual(3);
    for (const from of sizes) {
      for (const to of sizes.filter((size) => size >= from)) {
        const proof = orThrow(await proveConsistency(database.db, from, to));
        const [older, newer] = [proof.from, proof.to].map(({ note }) =>
          readSignedCheckpoint(note, signer.vkey),
        );
        const claim = {
          first: from,
          firstRoot: older?.root ?? Buffer.alloc(0),
          second: to,
          secondRoot: newer?.root ?? Buffer.alloc(0),
          path: path(proof.path),
        };
        expect(provesConsistency(claim)).toBe(true);
        expect(provesConsistency({ ...claim, firstRoot: leafHashOf('forged') })).toBe(false);
      }
    }
  });

  test('a log that no longer contains what was signed is not signed again', async () => {
    await appendJournals(database.db, await cloneJournals(1));
    // What a forger of one leaf would have to change: a leaf's hash and those above it.
    const flip = async () => {
      const flipped = 'update wallet.log_tile set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)';
      await asOwner(`${flipped} where level = 0 and number = 1; ${flipped} where level = 1`);
    };
    await flip();
    await expect(signCheckpoint(database.db, signer)).rejects.toThrow(LogForkedError);
    await flip();
    expect(await signCheckpoint(database.db, signer)).not.toBeNull();
  });
});

describe('the relay', () => {
  const signingKey = randomBytes(32);

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
        CLICKHOUSE_URL: `http://nobody:nobody@127.0.0.1:${nobody}`,
        KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        BLIND_INDEX_KEY: randomBytes(32).toString('base64'),
        PAYLOAD_CODEC_KEY: randomBytes(32).toString('base64'),
        LEDGER_SIGNING_KEY: signingKey.toString('base64'),
        LEDGER_LOG_ORIGIN: 'operator.example/ledger',
        METRICS_PORT: String(metricsPort),
      },
      isReady: () => answersOk(`http://127.0.0.1:${metricsPort}/readyz`),
    });
  }

  test('is killed four times in the middle of writing and still logs every journal exactly once', async () => {
    let relay = await startRelay();
    try {
      for (let turn = 0; turn < 4; turn += 1) {
        const writing = postJournals(40);
        await delay(100 + turn * 70);
        await relay.kill9();
        relay = await startRelay();
        await writing;
      }
      const counts = async () => {
        const { rows } = await sql<{ journals: number; leaves: number; last: number }>`
          select (select count(*)::int from wallet.journal) as journals, (select count(*)::int from wallet.log_leaf) as leaves,
            (select max(index)::int + 1 from wallet.log_leaf) as last`.execute(database.db);
        return rows[0];
      };
      const { rows } = await sql<{ n: number }>`select count(*)::int as n from wallet.journal`.execute(
        database.db,
      );
      const n = rows[0]?.n;
      await expect
        .poll(counts, { timeout: 25_000, interval: 200 })
        .toEqual({ journals: n, leaves: n, last: n });
      const size = n ?? 0;
      const leaves = await leavesBetween(database.db, 0, size);
      const hashes = leaves.map(({ leaf }) => leafHashOf(leafText(leaf)));
      expect(Buffer.from(await rootAt(database.db, size))).toEqual(treeHash(hashes));
      // A relay that leads signs at once.
      await relay.kill9();
      relay = await startRelay();
      const { vkey } = createNoteSigner('operator.example/ledger', signingKey);
      const signed = async () => {
        const last = await findCheckpoint(database.db, 'latest');
        return last === null ? null : readSignedCheckpoint(last.note, vkey);
      };
      await expect
        .poll(signed, { timeout: 20_000, interval: 200 })
        .toMatchObject({ size, root: treeHash(hashes) });
    } finally {
      await relay.stop();
    }
  }, 90_000);
});
