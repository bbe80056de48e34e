/** The reader sees what an audit needs and nothing that opens an account: its address is given to people. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstBadOf, verifyLedger } from '#activities/wallet/verify.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer } from '#test/support/factories.ts';
import { createDatabase, openPool, type Database } from './connect.ts';

let database: TestDatabase;
let reader: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  reader = createDatabase(
    openPool({ url: database.readerUrl, applicationName: 'pitboss-test-reader', connectionsMax: 1 }),
  );
  await makeDeposit(database.db, await makePlayer(database.db));
});
afterAll(async () => {
  await reader?.destroy();
  await database?.drop();
});

test('hashes of passwords and tokens, keys and sealed data are refused', async () => {
  const secrets = [
    'pam.credential',
    'pam.session',
    'pam.emailVerification',
    'pam.playerKey',
    'pam.playerPii',
    'backoffice.operator',
    'backoffice.session',
    'games.gameSession',
    'games.integrationCredential',
    'compliance.webhookInbox',
  ] as const;
  for (const table of secrets)
    await expect(reader.selectFrom(table).selectAll().execute(), table).rejects.toMatchObject({
      code: '42501',
    });
});

test('the ledger is proven with it, and who decided is named', async () => {
  const checks = await verifyLedger(reader, []);
  expect(firstBadOf(checks)).toBeNull();
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  expect(
    await reader.selectFrom('backoffice.operator').select(['id', 'name', 'status', 'brands']).execute(),
  ).toEqual([]);
  await reader.selectFrom('compliance.audit').selectAll().limit(1).execute();
});
