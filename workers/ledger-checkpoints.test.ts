/** Who signs the ledger, and that production has somebody who does. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ConfigFailure } from './config-failure.ts';
import type { Config } from './config.ts';
import { ledgerSigner, ledgerWitness } from './ledger-checkpoints.ts';
import { Secret } from './secret.ts';

const config = (mode: Config['mode'], given: Partial<Config['ledgerLog']> = {}) =>
  ({
    mode,
    ledgerLog: {
      origin: 'operator.example/ledger',
      signingKey: undefined,
      witnessUrl: undefined,
      witnessKey: undefined,
      ...given,
    },
  }) as Config;

test('the signer bears the name of the log, and its public half says so', () => {
  const signer = ledgerSigner(config('production', { signingKey: new Secret(randomBytes(32)) }));
  expect(signer?.vkey).toMatch(/^operator\.example\/ledger\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/);
});

test('a relay without a key does not start in production, and signs nothing elsewhere', () => {
  expect(() => ledgerSigner(config('production'))).toThrow(ConfigFailure);
  expect(ledgerSigner(config('test'))).toBeUndefined();
});

test('a witness is asked only where one is configured', () => {
  expect(ledgerWitness(config('test'))).toBeUndefined();
  expect(ledgerWitness(config('test', { witnessUrl: 'https://w.example', witnessKey: 'k' }))).toEqual({
    url: 'https://w.example',
    key: 'k',
  });
});
