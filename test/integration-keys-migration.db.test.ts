/** A database of the version before keys were sealed: its integrations come through the migration with the keys they had. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runAsAdmin, withDatabase } from '#test/support/postgres-server.ts';

const folder = new URL('../db/migrations/', import.meta.url);
const migration = '0019-integrations.sql';
const { adminUrl, databasePrefix } = inject('testPostgres');
const name = `${databasePrefix}_keys_${randomBytes(4).toString('hex')}`;
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

let client: pg.Client;

beforeAll(async () => {
  await runAsAdmin(adminUrl, `create database ${name}`);
  client = new pg.Client({ connectionString: withDatabase(adminUrl, name) });
  await client.connect();
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted();
  for (const file of files) {
    if (file === migration) await plantOldRows();
    if (file <= migration) await client.query(await readFile(new URL(file, folder), 'utf8'));
  }
});
afterAll(async () => {
  await client?.end();
  await runAsAdmin(adminUrl, `drop database if exists ${name} with (force)`);
});

async function plantOldRows(): Promise<void> {
  await client.query(
    `insert into games.integration (id, dialect, brand, operator_id, base_url, caller_public_key, caller_secret)
     values ('rsa', 'hub88', 'aurora', 'pitboss', 'https://p.example', $1, null),
            ('hmac', 'a8r-v2', 'aurora', 'pitboss', 'https://a.example', null, 'an-old-plain-secret'),
            ('none', 'caleta', 'aurora', 'pitboss', 'https://c.example', null, null)`,
    [pem],
  );
  await client.query(
    `insert into games.game (integration, code, title, category, enabled)
     values ('hmac', 'acme:on', 'On', 'slots', true), ('hmac', 'acme:off', 'Off', 'slots', false)`,
  );
  await client.query(
    "insert into wallet.asset (code, kind, ledger_scale, payable_scale) values ('EUR', 'fiat', 12, 2)",
  );
  await client.query(
    `insert into games.free_round_issue (integration, issue_id, player_id, asset, game_code)
     values ('hmac', 'issue-1', gen_random_uuid(), 'EUR', 'acme:on')`,
  );
}

test('a public key becomes the active key of its kind, under the fingerprint of its bytes', async () => {
  const { rows } = await client.query(
    'select integration, kind, state, fingerprint, public_key from games.integration_credential',
  );
  const fingerprint = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  expect(rows).toEqual([
    { integration: 'rsa', kind: 'rsa-public', state: 'active', fingerprint, public_key: pem },
  ]);
});

test('a plain secret waits to be sealed, and is in no version', async () => {
  const { rows } = await client.query("select caller_secret from games.integration where id = 'hmac'");
  expect(rows).toEqual([{ caller_secret: 'an-old-plain-secret' }]);
  const versions = await client.query('select version, config::text from games.integration_version');
  expect(versions.rows).toHaveLength(3);
  expect(JSON.stringify(versions.rows)).not.toContain('an-old-plain-secret');
});

test('games that were offered stay so, and free rounds that were issued are', async () => {
  const games = await client.query('select code, playable from games.game order by code');
  expect(games.rows).toEqual([
    { code: 'acme:off', playable: false },
    { code: 'acme:on', playable: true },
  ]);
  const issues = await client.query('select issue_id, state from games.free_round_issue');
  expect(issues.rows).toEqual([{ issue_id: 'issue-1', state: 'issued' }]);
});
