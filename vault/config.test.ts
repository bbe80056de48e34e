import { describe, expect, test } from 'vitest';
import { ConfigFailure } from '#workers/config-failure.ts';
import { loadVaultConfig } from './config.ts';

const key = Buffer.alloc(32, 9).toString('base64');
const development = {
  VAULT_DATABASE_URL: 'postgres://pitboss_vault:x@127.0.0.1/vault',
  VAULT_KEY_FILE: '/keys.json',
  VAULT_FINGERPRINT_KEYS: `f1:${key}`,
  VAULT_CALLER_SECRETS: 'one, two',
  VAULT_SHOP_ORIGINS: 'http://127.0.0.1:8080',
  VAULT_DESTINATIONS: JSON.stringify([
    { name: 'alpha', origin: 'http://127.0.0.1:18100', path: '/v1', numberField: 'n', cvcField: 'c' },
  ]),
};
const production = {
  ...development,
  PITBOSS_MODE: 'production',
  VAULT_PUBLIC_ORIGIN: 'https://cards.example.org',
  VAULT_DATABASE_URL: 'postgres://pitboss_vault:uVq3Zx81LrTq7Wm2@db/vault',
  VAULT_KEY_FILE: '',
  VAULT_TRANSIT_URL: 'https://keys.example.org',
  VAULT_TRANSIT_KEY: 'cards',
  VAULT_TRANSIT_TOKEN: 'hvs.uVq3Zx81LrTq7Wm2',
  VAULT_CALLER_SECRETS: 'k8Jx2Qw9Rt5Yb7Nm1Zc4',
  VAULT_SHOP_ORIGINS: 'https://shop.example.org',
  VAULT_DESTINATIONS: JSON.stringify([
    { name: 'alpha', origin: 'https://api.example.org', path: '/v1', numberField: 'n', cvcField: 'c' },
  ]),
};

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    loadVaultConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigFailure) return error.problems;
    throw error;
  }
};

describe('the configuration of the vault', () => {
  test('is complete with its own variables and shows no secret', () => {
    const config = loadVaultConfig(development);
    expect(config.callerSecrets.map((secret) => secret.reveal())).toEqual(['one', 'two']);
    expect(JSON.stringify(config)).not.toMatch(/one|:x@|CQkJ/);
    expect(problemsOf(production)).toEqual([]);
  });

  test.each(Object.keys(development))('names %s when it is missing', (name) => {
    expect(problemsOf({ ...development, [name]: '' }).join()).toContain(name);
  });

  test('of production takes no key file, no open address and no sample secret', () => {
    const open = { ...production, ...development, PITBOSS_MODE: 'production' };
    expect(problemsOf({ ...open, VAULT_TRANSIT_URL: '' }).join('\n')).toMatch(
      /VAULT_KEY_FILE[\s\S]*VAULT_SHOP_ORIGINS[\s\S]*destination alpha[\s\S]*CALLER_SECRETS/,
    );
    expect(problemsOf({ ...production, VAULT_PUBLIC_ORIGIN: 'http://x' })).toHaveLength(1);
  });

  test('has one key management, not two and not half of one', () => {
    for (const change of [
      { VAULT_TRANSIT_URL: 'http://k' },
      { VAULT_KEY_FILE: '', VAULT_TRANSIT_URL: 'http://k' },
    ])
      expect(problemsOf({ ...development, ...change }).join()).toContain('key management');
  });
});
