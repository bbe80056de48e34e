/** The witness as a process of its own: it co-signs what continues what it saw, and no other history, whoever signed it. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCheckpoint, signCheckpoint } from '#activities/wallet/log/checkpoints.ts';
import { createNoteSigner } from '#activities/wallet/log/signed-note.ts';
import { askWitness, WitnessRefusal, type Witness } from '#activities/wallet/log/witness.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { makePlayer, type TestPlayer } from './support/factories.ts';
import { asOwner, logEverything, playFor } from './support/ledger-world.ts';
import { readSignedCheckpoint } from './support/rfc6962.ts';

let database: TestDatabase;
let player: TestPlayer;
let party: PartyProcess;
let witness: Witness;
const state = createTemporaryDirectory();
const signer = createNoteSigner('operator.example/ledger', randomBytes(32));

const start = () =>
  startParty('witness', { STATE_DIR: state.path, LOG_KEY: signer.vkey, WITNESS_NAME: 'witness.example/w1' });

beforeAll(async () => {
  database = await createTestDatabase();
  player = await makePlayer(database.db);
  party = await start();
  witness = { url: party.url, key: (await (await fetch(`${party.url}/key`)).text()).trim() };
}, 60_000);
afterAll(async () => {
  await party?.stop();
  state.remove();
  await database?.drop();
});

async function grow(): Promise<number> {
  await playFor(database.db, player, 2);
  await logEverything(database.db);
  return (await signCheckpoint(database.db, signer))?.size ?? 0;
}

test('its line stands below each checkpoint that continues the one before, and the log’s own signature still opens it', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    const size = await grow();
    expect(await askWitness(database.db, witness)).toBe(true);
    expect(await askWitness(database.db, witness)).toBe(false);
    const { note = '' } = (await findCheckpoint(database.db, { size })) ?? {};
    expect(note.trimEnd().split('\n').at(-1)).toMatch(/^\u2014 witness\.example\/w1 [A-Za-z0-9+/=]+$/);
    expect(readSignedCheckpoint(note, signer.vkey)?.size).toBe(size);
  }
});

test('it remembers across kill -9, and an answer of its own that was lost is caught up', async () => {
  await party.stop('SIGKILL');
  party = await start();
  witness = { ...witness, url: party.url };
  await grow();
  expect(await askWitness(database.db, witness)).toBe(true);
  await asOwner(database, 'delete from wallet.log_cosignature');
  await grow();
  expect(await askWitness(database.db, witness)).toBe(true);
});

test('it refuses a stranger’s signature, a proof that proves nothing, and a body that is none', async () => {
  const post = async (body: string) =>
    (await fetch(`${party.url}/add-checkpoint`, { method: 'POST', body })).status;
  const last = await findCheckpoint(database.db, 'latest');
  const [note = ''] = [last?.note.split('\n').slice(0, 5).join('\n').concat('\n')];
  const stranger = createNoteSigner(signer.name, randomBytes(32));
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  expect(await post(`old ${last?.size}\n\n${stranger.sign(text)}`)).toBe(403);
  expect(await post(`old 0\n\n${note}`)).toBe(409);
  const larger = signer.sign(text.replace(`\n${last?.size}\n`, `\n${Number(last?.size) + 1}\n`));
  expect(await post(`old ${last?.size}\n\n${larger}`)).toBe(422);
  expect(await post(`old ${last?.size}\n\n${signer.sign(text.replace('operator', 'another'))}`)).toBe(404);
  expect(await post('hello')).toBe(400);
});

test('a history that was rewritten and signed anew with the real key gets no cosignature', async () => {
  await playFor(database.db, player, 1);
  await logEverything(database.db);
  // What the holder of the key and of the database could do: other leaves, other checkpoints, everything fitting.
  const { rows } = await sql<{ size: bigint }>`select max(index) + 1 as size from wallet.log_leaf`.execute(
    database.db,
  );
  await asOwner(
    database,
    `update wallet.log_tile set hashes = set_byte(hashes, 7, get_byte(hashes, 7) # 1) where level = 0;
     delete from wallet.log_cosignature; delete from wallet.log_checkpoint`,
  );
  expect((await signCheckpoint(database.db, signer))?.size).toBe(Number(rows[0]?.size));
  const refusal = await askWitness(database.db, witness).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(WitnessRefusal);
  expect(String(refusal)).toContain('422');
});
