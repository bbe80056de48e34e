/** Proofs as regulators and players get them over HTTP, checked by code that is not ours: RFC text, and Go where it is. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendJournals } from '#activities/wallet/log/build-log.ts';
import { signCheckpoint } from '#activities/wallet/log/checkpoints.ts';
import { createNoteSigner } from '#activities/wallet/log/signed-note.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, type TestPlayer } from '#test/support/factories.ts';
import { openTestSession } from '#test/support/protected-player.ts';
import {
  leafHashOf,
  provesConsistency,
  provesInclusion,
  readSignedCheckpoint,
} from '#test/support/rfc6962.ts';

type Checkpoint = { size: number; root: string; note: string };
type Inclusion = {
  journalId: string;
  index: number;
  leaf: string;
  leafHash: string;
  path: string[];
  checkpoint: Checkpoint;
};
type Consistency = { from: Checkpoint; to: Checkpoint; path: string[] };

let database: TestDatabase;
let app: TestApi;
let ann: TestPlayer;
let bob: TestPlayer;
let tokens: { ann: string; bob: string; auditor: string; elsewhere: string; support: string };
const signer = createNoteSigner('operator.example/ledger', randomBytes(32));
const ids: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  [ann, bob] = [await makePlayer(database.db), await makePlayer(database.db)];
  tokens = {
    ann: await openTestSession(database, { playerId: ann.id }),
    bob: await openTestSession(database, { playerId: bob.id }),
    auditor: await app.signInAs(['compliance']),
    elsewhere: await app.signInAs(['compliance'], ['borealis']),
    support: await app.signInAs(['support']),
  };
  for (let at = 0; at < 21; at += 1) {
    ids.push((await makeDeposit(database.db, at % 2 === 0 ? ann : bob)).journalId);
    if (at % 5 === 4) {
      await appendJournals(database.db, ids);
      await signCheckpoint(database.db, signer);
    }
  }
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const get = async <T>(path: string, token: string): Promise<{ status: number; body: T; code: unknown }> => {
  const { status, body } = await app.send('GET', path, undefined, { token });
  return { status, body: body as T, code: body['code'] };
};

/** What a stranger needs: the proof and the public key. */
function convinces(proof: Inclusion, vkey: string): boolean {
  const signed = readSignedCheckpoint(proof.checkpoint.note, vkey);
  return (
    signed !== null &&
    provesInclusion({
      leafHash: leafHashOf(proof.leaf),
      index: proof.index,
      size: signed.size,
      path: proof.path.map((hash) => Buffer.from(hash, 'base64')),
      root: signed.root,
    })
  );
}

test('the public key is published without a session', async () => {
  const { body } = await app.send('GET', '/v1/ledger/keys');
  expect(body['items']).toEqual([expect.objectContaining({ vkey: signer.vkey })]);
});

test('checkpoints are listed newest first and read by size or as the latest', async () => {
  const page = await get<{ items: Checkpoint[]; next: string | null }>(
    '/admin/v1/ledger/checkpoints?limit=3',
    tokens.auditor,
  );
  expect(page.body.items.map(({ size }) => size)).toEqual([20, 15, 10]);
  const rest = await get<{ items: Checkpoint[] }>(
    `/admin/v1/ledger/checkpoints?limit=3&after=${page.body.next}`,
    tokens.auditor,
  );
  expect(rest.body.items.map(({ size }) => size)).toEqual([5]);
  const latest = await get<Checkpoint>('/admin/v1/ledger/checkpoints/latest', tokens.auditor);
  expect(readSignedCheckpoint(latest.body.note, signer.vkey)?.size).toBe(20);
  expect((await get<Checkpoint>('/admin/v1/ledger/checkpoints/10', tokens.auditor)).body.size).toBe(10);
  expect((await get('/admin/v1/ledger/checkpoints/11', tokens.auditor)).code).toBe('not-found');
});

test('an operator proves a journal by its id and by its external transaction id', async () => {
  const byId = await get<Inclusion>(`/admin/v1/ledger/proofs/journals/${ids[7]}?size=20`, tokens.auditor);
  expect(byId.body).toMatchObject({ journalId: ids[7], index: 7, checkpoint: { size: 20 } });
  expect(convinces(byId.body, signer.vkey)).toBe(true);
  expect(convinces({ ...byId.body, leaf: byId.body.leaf.replace('aurora', 'borealis') }, signer.vkey)).toBe(
    false,
  );
  const { externalId } = JSON.parse(byId.body.leaf) as { externalId: string };
  const byExternalId = await get<Inclusion>(
    `/admin/v1/ledger/proofs/journals/pitboss/${encodeURIComponent(externalId)}`,
    tokens.auditor,
  );
  expect(byExternalId.body).toMatchObject({ journalId: ids[7], checkpoint: { size: 10 } });
  expect(convinces(byExternalId.body, signer.vkey)).toBe(true);
});

test('a journal that no checkpoint covers yet is pending, an unknown one or one of another brand does not exist', async () => {
  expect((await get(`/admin/v1/ledger/proofs/journals/${ids[20]}`, tokens.auditor)).code).toBe(
    'proof-pending',
  );
  expect((await get(`/admin/v1/ledger/proofs/journals/${ids[7]}?size=5`, tokens.auditor)).code).toBe(
    'not-found',
  );
  expect((await get(`/admin/v1/ledger/proofs/journals/${randomUUID()}`, tokens.auditor)).code).toBe(
    'not-found',
  );
  expect((await get(`/admin/v1/ledger/proofs/journals/${ids[7]}`, tokens.elsewhere)).code).toBe('not-found');
  expect((await get(`/admin/v1/ledger/proofs/journals/${ids[7]}`, tokens.support)).code).toBe('forbidden');
});

test('a player proves a journal of his own and nobody else’s', async () => {
  const own = await get<Inclusion>(`/v1/wallet/journals/${ids[6]}/proof`, tokens.ann);
  expect(convinces(own.body, signer.vkey)).toBe(true);
  expect(JSON.parse(own.body.leaf)).toMatchObject({ playerId: ann.id });
  expect((await get(`/v1/wallet/journals/${ids[6]}/proof`, tokens.bob)).code).toBe('not-found');
});

test('two checkpoints are proven to be one history', async () => {
  const { body } = await get<Consistency>('/admin/v1/ledger/proofs/consistency?from=5&to=20', tokens.auditor);
  const [from, to] = [body.from, body.to].map(({ note }) => readSignedCheckpoint(note, signer.vkey));
  expect(
    provesConsistency({
      first: 5,
      firstRoot: from?.root ?? Buffer.alloc(0),
      second: 20,
      secondRoot: to?.root ?? Buffer.alloc(0),
      path: body.path.map((hash) => Buffer.from(hash, 'base64')),
    }),
  ).toBe(true);
  expect((await get('/admin/v1/ledger/proofs/consistency?from=20&to=5', tokens.auditor)).code).toBe(
    'invalid-request',
  );
  expect((await get('/admin/v1/ledger/proofs/consistency?from=5&to=19', tokens.auditor)).code).toBe(
    'not-found',
  );
});

const verifierFolder = fileURLToPath(new URL('../../tools/tlog-verifier', import.meta.url));
const built = buildVerifier();
if (built === null)
  process.stderr.write('Go or golang.org/x/mod is missing: proofs are not checked with them here.\n');
afterAll(() => built && rmSync(built.folder, { recursive: true, force: true }));

function buildVerifier(): { folder: string; program: string } | null {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-tlog-'));
  const program = join(folder, 'verifier');
  const { status } = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: verifierFolder,
    timeout: 120_000,
  });
  if (status === 0) return { folder, program };
  rmSync(folder, { recursive: true, force: true });
  return null;
}

test.skipIf(built === null)(
  'golang.org/x/mod, which checks the Go checksum database, accepts and refuses the same',
  async () => {
    const inclusion: Inclusion[] = [];
    for (const id of ids.slice(0, 20)) {
      inclusion.push(
        (await get<Inclusion>(`/admin/v1/ledger/proofs/journals/${id}?size=20`, tokens.auditor)).body,
      );
    }
    const consistency: Consistency[] = [];
    for (const from of [5, 10, 15, 20]) {
      const path = `/admin/v1/ledger/proofs/consistency?from=${from}&to=20`;
      consistency.push((await get<Consistency>(path, tokens.auditor)).body);
    }
    const ask = (claim: object) =>
      spawnSync(built?.program ?? '', {
        input: JSON.stringify({ vkey: signer.vkey, inclusion, consistency, ...claim }),
        encoding: 'utf8',
      });
    expect(ask({}).stdout).toBe('ok\n');
    const forged = inclusion.map((proof, at) =>
      at === 3 ? { ...proof, leaf: proof.leaf.replace('cash', 'held') } : proof,
    );
    expect(ask({ inclusion: forged })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(ids[3] ?? ''),
    });
    expect(ask({ vkey: createNoteSigner(signer.name, randomBytes(32)).vkey }).status).toBe(1);
    expect(
      ask({ consistency: consistency.map((proof) => ({ ...proof, path: [...proof.path].reverse() })) })
        .status,
    ).toBe(1);
  },
);
