/** Attempts to sign in are counted by who calls: one network of IPv6 is one caller, and so is one address at many accounts. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countAttempt, forgetOldAttempts } from '#activities/sign-in-throttle.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';

const rule = { attemptsMax: 3, perAddressMax: 5, windowMs: 900_000 };
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const attempt = async (account: Buffer, ip: string): Promise<string> => {
  const counted = await countAttempt(database.db, 'pam.sign_in_throttle', { account, ip }, rule);
  return counted.ok ? 'counted' : counted.failure.code;
};

test('whoever owns a network of IPv6 gets no fresh tries for each of its addresses', async () => {
  const account = randomBytes(32);
  const network = '2001:db8:77:1';
  for (const last of ['1', '2', 'ffff'])
    expect(await attempt(account, `${network}::${last}`)).toBe('counted');
  expect(await attempt(account, `${network}:a:b:c:d`)).toBe('too-many-requests');
  // Written out, and with an IPv4 address inside: the same network.
  expect(await attempt(account, '2001:0db8:0077:0001:0:0:192.0.2.1')).toBe('too-many-requests');
  // A neighbour is somebody else.
  expect(await attempt(account, '2001:db8:77:2::1')).toBe('counted');
});

test('one address that tries one password at many accounts is stopped, whatever it finds', async () => {
  const ip = '198.51.100.7';
  for (let tries = 0; tries < rule.perAddressMax; tries += 1)
    expect(await attempt(randomBytes(32), ip)).toBe('counted');
  expect(await attempt(randomBytes(32), ip)).toBe('too-many-requests');
  expect(await attempt(randomBytes(32), '198.51.100.8')).toBe('counted');
});

test('addresses are forgotten when no window counts them any more', async () => {
  const [old, young] = [randomBytes(32), randomBytes(32)];
  await attempt(old, '203.0.113.1');
  await attempt(young, '203.0.113.2');
  await database.ownerPool.query(
    `update pam.sign_in_throttle set window_started_at = now() - interval '25 hours' where ip = '203.0.113.1'`,
  );
  // The account's row and the address's own.
  expect(await forgetOldAttempts(database.db)).toBe(2);
  const { rows } = await database.ownerPool.query(
    `select ip from pam.sign_in_throttle where ip like '203.%' group by 1`,
  );
  expect(rows).toEqual([{ ip: '203.0.113.2' }]);
});
