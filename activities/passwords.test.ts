import { hash } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { hashPassword, isOutdated, verifyPassword } from './passwords.ts';

test('verifies a hash made by the reference implementation', async () => {
  // Test vector of the argon2 reference source: t=2, m=2^16, p=1, "password", salt "somesalt".
  const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await verifyPassword(known, 'password')).toBe(true);
  expect(await verifyPassword(known, 'passwore')).toBe(false);
  expect(isOutdated(known)).toBe(true);
});

test('stores algorithm and parameters with the hash, and a fresh salt', async () => {
  const first = await hashPassword('correct horse battery');
  const second = await hashPassword('correct horse battery');
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(first).not.toBe(second);
  expect(isOutdated(first)).toBe(false);
  expect(isOutdated(await hash('x', { memoryCost: 8_192, timeCost: 2, parallelism: 1 }))).toBe(true);
});

test('an unknown account is refused after the same work', async () => {
  expect(await verifyPassword(null, 'nobody has this password')).toBe(false);
});
