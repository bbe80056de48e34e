/** An export proves itself without a database, and every way of editing it, or the database before it, is caught and named. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyExport } from '#activities/wallet/export/verify-export.ts';
import { writeExport } from '#activities/wallet/export/write-export.ts';
import { signCheckpoint } from '#activities/wallet/log/checkpoints.ts';
import { createNoteSigner } from '#activities/wallet/log/signed-note.ts';
import { readLogSize } from '#activities/wallet/log/tiles.ts';
import { postCommand } from '#activities/wallet/post.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { orThrow } from '#domain/failures.ts';
import { exportFormat } from '#domain/wallet/export.schema.ts';
import { journalCodes } from '#domain/wallet/postings.ts';
import { playBook } from './support/book-world.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { makeDeposit, makePlayer, type TestPlayer } from './support/factories.ts';
import { asOwner, betOf, logEverything, playFor, postGame } from './support/ledger-world.ts';
import { leafHashOf, readSignedCheckpoint, treeHash } from './support/rfc6962.ts';

let database: TestDatabase;
let player: TestPlayer;
let sound: string;
let ids: string[];
const root = mkdtempSync(join(tmpdir(), 'pitboss-export-'));
const secret = randomBytes(32);
const signer = createNoteSigner('operator.example/ledger', secret);

beforeAll(async () => {
  database = await createTestDatabase();
  player = await makePlayer(database.db);
  ids = [
    ...(await playFor(database.db, player, 9)),
    ...(await playFor(database.db, await makePlayer(database.db), 4)),
    ...(await playBook(database)),
  ];
  // A conversion of somebody else's making: a code that nothing here knows, in two assets.
  await database.ownerPool.query(`
    begin;
    insert into wallet.asset values ('USD', 'fiat', null, 12, 2);
    insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, occurred_at, fingerprint)
      values ('0190aaaa-0000-7000-8000-000000000001', 'pitboss', 'fx:1', 'fx.convert', 'EUR', 'aurora', 5, now(), '\\x00');
    insert into wallet.entry (journal_id, line, asset, account, amount) values
      ('0190aaaa-0000-7000-8000-000000000001', 0, 'EUR', 'house:fx', -5), ('0190aaaa-0000-7000-8000-000000000001', 1, 'EUR', 'house:other', 5),
      ('0190aaaa-0000-7000-8000-000000000001', 2, 'USD', 'house:fx', 7), ('0190aaaa-0000-7000-8000-000000000001', 3, 'USD', 'house:other', -7);
    insert into compliance.outbox (event_id, type, version, brand, occurred_at, payload) values (gen_random_uuid(),
      'wallet.journal.posted', 1, 'aurora', now(), '{"journalId": "0190aaaa-0000-7000-8000-000000000001"}');
    commit`);
  await logEverything(database.db);
  await signCheckpoint(database.db, signer);
  // What lies behind the checkpoint: logged, and not even that.
  await playFor(database.db, player, 2);
  await logEverything(database.db);
  await makeDeposit(database.db, player);
  sound = join(root, 'sound');
  await writeExport(database.db, sound, signer);
});
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  await database?.drop();
});

const failed = async (folder: string, keys = [signer.vkey]) => {
  const { checks, firstBad } = await verifyExport(folder, keys);
  return {
    findings: Object.fromEntries(
      checks.filter(({ findings }) => findings.length > 0).map(({ name, findings }) => [name, findings]),
    ),
    firstBad,
  };
};

const journalsFile = 'journals-00001.ndjson';
const linesIn = (folder: string, name = journalsFile) =>
  readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');

/** A copy that was edited and whose manifest was made to fit by somebody with a key of his own. */
function edited(
  edit: (folder: string) => void,
  options: { resign?: boolean; fitManifest?: boolean } = {},
): string {
  const folder = join(root, randomUUID());
  cpSync(sound, folder, { recursive: true });
  edit(folder);
  if (options.fitManifest) {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
      files: { name: string; lines: number; bytes: number; sha256: string }[];
      checkpoint: string;
    };
    for (const file of manifest.files) {
      const bytes = readFileSync(join(folder, file.name));
      file.bytes = bytes.length;
      file.sha256 = createHash('sha256').update(bytes).digest('hex');
      file.lines = file.name.endsWith('.bin')
        ? bytes.length / 32
        : bytes.filter((byte) => byte === 10).length;
    }
    const forger = createNoteSigner(signer.name, options.resign ? randomBytes(32) : secret);
    if (options.resign) {
      const leaves = linesIn(folder).map((line) => leafHashOf(line));
      writeFileSync(join(folder, 'hashes.bin'), Buffer.concat(leaves));
      manifest.checkpoint = forger.sign(
        `${signer.name}\n${leaves.length}\n${treeHash(leaves).toString('base64')}\n`,
      );
    }
    const text = JSON.stringify(manifest);
    writeFileSync(join(folder, 'manifest.json'), text);
    writeFileSync(
      join(folder, 'manifest.sig'),
      forger.sign(`${exportFormat}\n${createHash('sha256').update(text).digest('hex')}\n`),
    );
  }
  return folder;
}

const editLines =
  (edit: (lines: string[]) => string[], name = journalsFile) =>
  (folder: string) =>
    writeFileSync(
      join(folder, name),
      edit(linesIn(folder, name))
        .map((line) => `${line}\n`)
        .join(''),
    );

describe('a sound export', () => {
  test('is proven: signatures, files, root, sums, chains, balances, reversals, rounds', async () => {
    const { checks, firstBad } = await verifyExport(sound, [signer.vkey]);
    expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect(firstBad).toBeNull();
    expect(checks.map(({ name }) => name)).toHaveLength(10);
    expect(Object.fromEntries(checks.map(({ name, covered }) => [name, covered]))).toMatchObject({
      'every journal is the leaf that was signed': `${ids.length + 1} journals`,
      'every reversal undoes what it names': '4 reversals',
    });
  });

  test('is what it says by a reader of its own: lines are leaves, their root is signed', () => {
    const manifest = JSON.parse(readFileSync(join(sound, 'manifest.json'), 'utf8')) as { checkpoint: string };
    const signed = readSignedCheckpoint(manifest.checkpoint, signer.vkey);
    expect(signed?.root).toEqual(treeHash(linesIn(sound).map((line) => leafHashOf(line))));
  });

  test('holds the journals of sports bets of every kind', () => {
    const codes = linesIn(sound).map((line) => (JSON.parse(line) as { code: string }).code);
    const ofBook = journalCodes.filter((code) => code.startsWith('book.'));
    expect(ofBook).toHaveLength(5);
    expect(codes).toEqual(expect.arrayContaining(ofBook));
  });

  test('is read by the command without any database', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['platform/verify.ts', '--export', sound, ...args], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', PITBOSS_HOME: join(root, 'no-home'), NODE_NO_WARNINGS: '1' },
      });
    expect(run('--key', signer.vkey)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('The export is proven.'),
    });
    // A proof that trusts whatever key it is handed is none.
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringContaining('No trusted key') });
  });

  test('does not overwrite another', async () => {
    await expect(writeExport(database.db, sound, signer)).rejects.toThrow(/EEXIST/);
  });
});

describe('an edited export', () => {
  const place = 5;
  const id = () => ids[place] ?? '';

  test('a changed amount is named as the first bad journal, though the manifest was made to fit with the real key', async () => {
    const change = editLines((lines) =>
      lines.map((line, at) => (at === place ? line.replace(/"amount":"(\d+)"/, '"amount":"1$1"') : line)),
    );
    const { findings, firstBad } = await failed(edited(change, { fitManifest: true }));
    expect(firstBad).toBe(`journal ${id()} is not leaf ${place} of the log: it was changed or put in`);
    expect(findings['every journal is the leaf that was signed']?.at(-1)).toBe(
      'the journals do not lead to the root of the checkpoint',
    );
    const plain = await failed(edited(change));
    expect(plain.findings['every file is the one that was written']?.[0]).toContain(journalsFile);
  });

  test('a deleted journal is named by its place, and the chain says which entry is missing', async () => {
    const { findings, firstBad } = await failed(
      edited(
        editLines((lines) => lines.toSpliced(place, 1)),
        { fitManifest: true },
      ),
    );
    expect(firstBad).toBe(
      `leaf ${place} of the log is not there: journal ${ids[place + 1]}, leaf ${place + 1}, follows`,
    );
    expect(findings['every chain holds']?.[0]).toMatch(/ follows \d+$/);
    expect(findings['every journal is the leaf that was signed']).toContain(
      `the journals end after ${ids.length}, the checkpoint covers ${ids.length + 1}`,
    );
  });

  test('two swapped journals are named', async () => {
    const swap = (lines: string[]) =>
      lines.with(place, lines[place + 1] ?? '').with(place + 1, lines[place] ?? '');
    const { findings, firstBad } = await failed(edited(editLines(swap), { fitManifest: true }));
    expect(firstBad).toContain(`leaf ${place} of the log is not there: journal ${ids[place + 1]}`);
    expect(findings['every journal is the leaf that was signed']?.[1]).toContain(
      `journal ${id()}, which is leaf ${place}`,
    );
  });

  test('a journal that was put in is named', async () => {
    const forged = (line: string) =>
      line
        .replace(/"id":"[^"]+"/, '"id":"0190bbbb-0000-7000-8000-000000000001"')
        .replace(/"entries":\[.*?\]/, '"entries":[]');
    const { firstBad } = await failed(
      edited(
        editLines((lines) => lines.toSpliced(place, 0, forged(lines[place] ?? ''))),
        { fitManifest: true },
      ),
    );
    expect(firstBad).toContain('journal 0190bbbb-0000-7000-8000-000000000001 is not leaf');
  });

  test('a truncated file is caught, whether it ends in a line or between two', async () => {
    const cut = await failed(edited((folder) => truncateSync(join(folder, journalsFile), 4_000)));
    expect(cut.findings['every file is the one that was written']?.join()).toMatch(/ends within line \d+/);
    expect(cut.findings['every journal is the leaf that was signed']?.join()).toMatch(
      /the journals end after \d+, the checkpoint covers/,
    );
    const between = await failed(
      edited(
        editLines((lines) => lines.slice(0, -3)),
        { fitManifest: true },
      ),
    );
    expect(between.findings['every journal is the leaf that was signed']?.join()).toContain(
      `end after ${ids.length - 2}`,
    );
  });

  test('a history that was written anew and signed with another key is not signed by a trusted one', async () => {
    const folder = edited(
      editLines((lines) => lines.toSpliced(ids.length, 1)),
      { fitManifest: true, resign: true },
    );
    const { findings } = await failed(folder);
    expect(findings['the manifest is signed']?.[0]).toContain('not signed by a trusted key');
    expect(findings['the checkpoint is signed']?.[0]).toContain('not signed by a trusted key');
  });

  test('a balance, a round and a journal behind the checkpoint are held against the rest', async () => {
    const balance = await failed(
      edited(
        editLines(
          (lines) =>
            lines.map((line) => line.replace(/"cash":\{"balance":"(\d+)"/, '"cash":{"balance":"1$1"')),
          'wallets.ndjson',
        ),
        { fitManifest: true },
      ),
    );
    expect(balance.findings['every balance equals its entries']?.[0]).toMatch(
      /cash shows 1\d+, its entries sum to \d+$/,
    );
    const round = await failed(
      edited(
        editLines(
          (lines) => lines.map((line, at) => (at === 2 ? line.replace(/"won":"\d+"/, '"won":"17"') : line)),
          'rounds.ndjson',
        ),
        { fitManifest: true },
      ),
    );
    expect(round.findings['every round equals its journals']).toEqual([
      expect.stringMatching(/^round .*: staked \d+ for \d+, won 17 for \d+$/),
    ]);
    const tail = await failed(
      edited(
        editLines((lines) => lines.slice(0, -1), 'tail.ndjson'),
        { fitManifest: true },
      ),
    );
    expect(Object.keys(tail.findings)).toEqual(['every balance equals its entries']);
  });

  test('a rollback that does not fit its bet is named', async () => {
    const rollback = linesIn(sound).find((line) => line.includes('"bet.rollback"')) ?? '';
    const other = (JSON.parse(rollback) as { id: string }).id;
    const { findings } = await failed(
      edited(
        editLines((lines) =>
          lines.map((line) =>
            line === rollback ? line.replace(/"reverses":"[^"]+"/, `"reverses":"${ids[0]}"`) : line,
          ),
        ),
        { fitManifest: true },
      ),
    );
    expect(findings['every reversal undoes what it names']).toEqual([
      `journal ${other} does not fit ${ids[0]}`,
    ]);
  });

  test('missing files and a manifest of nothing are findings, not crashes', async () => {
    const withoutJournals = await failed(edited((folder) => rmSync(join(folder, journalsFile))));
    expect(withoutJournals.findings['every file is the one that was written']?.[0]).toContain(
      'cannot be read',
    );
    const withoutSignature = await failed(edited((folder) => rmSync(join(folder, 'manifest.sig'))));
    expect(Object.keys(withoutSignature.findings)).toEqual(['the manifest is signed']);
    const nothing = await failed(edited((folder) => writeFileSync(join(folder, 'manifest.json'), '[]')));
    expect(nothing.findings['the manifest is signed']).toEqual([
      'manifest.json is not the manifest of an export',
    ]);
  });
});

describe('a tampered database', () => {
  const findings = async () =>
    (await verifyLedger(database.db, [signer.vkey])).flatMap((check) => check.findings);

  async function tampered(change: string, undo: string): Promise<string[]> {
    await asOwner(database, change);
    const found = await findings();
    await asOwner(database, undo);
    return found;
  }

  test('a sound one is proven with the log, the key given or not', async () => {
    expect(await findings()).toEqual([]);
    expect((await verifyLedger(database.db)).flatMap((check) => check.findings)).toEqual([]);
    const stranger = createNoteSigner(signer.name, randomBytes(32)).vkey;
    expect((await verifyLedger(database.db, [stranger])).flatMap((check) => check.findings)).toEqual([
      expect.stringContaining('is not signed by a known key'),
    ]);
  });

  test('a changed member that no chain covers is named with its leaf', async () => {
    const found = await tampered(
      `update wallet.journal set brand = 'borealis' where id = '${ids[3]}'`,
      `update wallet.journal set brand = 'aurora' where id = '${ids[3]}'`,
    );
    expect(found).toEqual([`journal ${ids[3]} (leaf 3) is not what was logged`]);
  });

  test('a changed house entry is named, and so is a deleted journal', async () => {
    const house = `journal_id = '${ids[2]}' and player_id is null`;
    expect(
      await tampered(
        `update wallet.entry set account = 'house:other' where ${house}`,
        `update wallet.entry set account = 'house:casino:gaming' where ${house}`,
      ),
    ).toEqual([`journal ${ids[2]} (leaf 2) is not what was logged`]);
    const found = await tampered(
      `create table public.kept as select * from wallet.journal where id = '${ids[4]}'; delete from wallet.journal where id = '${ids[4]}'`,
      `insert into wallet.journal select * from public.kept; drop table public.kept`,
    );
    expect(found).toContain(`journal ${ids[4]} (leaf 4) is gone from the ledger`);
  });

  test('a journal written past the one door is found although it balances', async () => {
    const id = '0190cccc-0000-7000-8000-000000000001';
    const found = await tampered(
      `insert into wallet.journal (id, integration, external_id, code, asset, brand, amount, occurred_at, fingerprint)
       values ('${id}', 'x', 'x', 'bet.place', 'EUR', 'aurora', 1, now(), '\\x00')`,
      `delete from wallet.journal where id = '${id}'`,
    );
    expect(found).toEqual([`journal ${id} is in the ledger and was never posted`]);
  });

  test('a rewritten log is caught by the checkpoints, whichever level was touched', async () => {
    const flip =
      'update wallet.log_tile set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where level = 0 and number = 0';
    const found = await tampered(flip, flip);
    expect(found).toEqual([
      `journal ${ids[1]} (leaf 1) is not what was logged`,
      expect.stringMatching(/^the checkpoint of \d+ leaves has another root than the log$/),
    ]);
    const size = await readLogSize(database.db);
    const dropped = await tampered(
      `create table public.kept as select * from wallet.log_checkpoint; update wallet.log_checkpoint set size = ${size + 9}`,
      `delete from wallet.log_checkpoint; insert into wallet.log_checkpoint select * from public.kept; drop table public.kept`,
    );
    expect(dropped).toEqual([expect.stringContaining('is beyond the log')]);
  });

  test('a transaction that is logged before one that its entry follows breaks no chain', async () => {
    const order = await database.db.transaction().execute(async (trx) => {
      // Takes its id here, and then waits for a bet that has a higher one and commits earlier.
      await sql`select pg_current_xact_id()`.execute(trx);
      const earlier = await postGame(database.db, betOf(player, 3n));
      const later = orThrow(await postCommand(trx, betOf(player, 4n)));
      return [later.journalId, earlier];
    });
    await logEverything(database.db);
    await signCheckpoint(database.db, signer);
    const folder = join(root, 'out-of-order');
    await writeExport(database.db, folder, signer);
    expect(
      linesIn(folder)
        .slice(-2)
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toEqual(order);
    expect(await failed(folder)).toEqual({ findings: {}, firstBad: null });
    expect(await findings()).toEqual([]);
  });
});
