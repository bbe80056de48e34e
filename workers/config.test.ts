import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigFailure } from './config-failure.ts';
import { loadConfig, type Environment } from './config.ts';

const key = () => randomBytes(32).toString('base64');

const complete = (): Record<string, string> => ({
  DATABASE_URL: 'postgres://pitboss:owner-pw@127.0.0.1:15432/pitboss',
  DATABASE_WRITER_PASSWORD: 'writer/pw',
  DATABASE_READER_PASSWORD: 'reader-pw',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  CLICKHOUSE_URL: 'http://analyst:olap-pw@127.0.0.1:8123/',
  KEY_ENCRYPTION_KEY: key(),
  BLIND_INDEX_KEY: key(),
  PAYLOAD_CODEC_KEY: key(),
});

const forProduction = (): Record<string, string> => ({
  ...complete(),
  PITBOSS_MODE: 'production',
  PUBLIC_URL: 'https://play.example.org',
  SMTP_URL: 'smtps://mail.example.org:465',
  DATABASE_URL: `postgres://pitboss:${randomBytes(18).toString('hex')}@db.internal/pitboss`,
  DATABASE_WRITER_PASSWORD: randomBytes(18).toString('hex'),
  DATABASE_READER_PASSWORD: randomBytes(18).toString('hex'),
  CLICKHOUSE_URL: `https://analyst:${randomBytes(18).toString('hex')}@olap.internal:8443`,
});

function problemsOf(environment: Environment): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigFailure) return error.problems;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  test('trusted proxies are networks of either family, and nothing else', () => {
    const proxies = (list: string) => loadConfig({ ...complete(), TRUSTED_PROXIES: list }).api.trustedProxies;
    expect(proxies('10.0.0.0/8, 2001:db8::/32,192.0.2.7')).toEqual([
      '10.0.0.0/8',
      '2001:db8::/32',
      '192.0.2.7',
    ]);
    expect(proxies('')).toEqual([]);
    for (const list of ['proxy.internal', '10.0.0.0/40', '10.0.0.0/8;192.0.2.7'])
      expect(() => proxies(list)).toThrow('TRUSTED_PROXIES must be networks');
  });

  test('a development environment needs addresses and keys only', () => {
    const config = loadConfig(complete());
    expect(config.mode).toBe('development');
    expect(config.api).toEqual({
      host: '127.0.0.1',
      port: 8080,
      publicUrl: 'http://127.0.0.1:8080',
      trustedProxies: [],
    });
    expect(config.temporal.namespace).toBe('pitboss');
    expect(config.kafka.brokers).toEqual([]);
    expect(config.psp.alpha).toBeUndefined();
    expect(config.keys.keyEncryption.reveal()).toHaveLength(32);
  });

  test('the ledger is signed with a key of 32 bytes, audited at three and stopped by default', () => {
    expect(loadConfig(complete())).toMatchObject({
      ledgerLog: { origin: 'pitboss.localhost/ledger', signingKey: undefined, witnessUrl: undefined },
      audit: { stopsWithdrawals: true, fullScanHour: 3 },
    });
    const signing = loadConfig({
      ...complete(),
      LEDGER_SIGNING_KEY: key(),
      AUDIT_STOPS_WITHDRAWALS: 'false',
    });
    expect(signing.ledgerLog.signingKey?.reveal()).toHaveLength(32);
    expect(signing.audit.stopsWithdrawals).toBe(false);
    expect(problemsOf({ ...complete(), LEDGER_SIGNING_KEY: 'short' })).toEqual([
      expect.stringMatching(/^LEDGER_SIGNING_KEY must be 32 random bytes/),
    ]);
    expect(problemsOf({ ...complete(), LEDGER_WITNESS_URL: 'https://witness.example' })).toEqual([
      expect.stringMatching(/^LEDGER_WITNESS_KEY is missing/),
    ]);
  });

  test('production refuses a sample key of the ledger, and one that is used for something else', () => {
    expect(
      problemsOf({ ...forProduction(), LEDGER_SIGNING_KEY: Buffer.alloc(32).toString('base64') }),
    ).toEqual([expect.stringMatching(/^LEDGER_SIGNING_KEY /)]);
    const twice = forProduction();
    expect(problemsOf({ ...twice, LEDGER_SIGNING_KEY: twice['BLIND_INDEX_KEY'] })).toEqual([
      expect.stringMatching(/^LEDGER_SIGNING_KEY has the same value/),
    ]);
  });

  test('writer and reader addresses are derived from the owner address and their passwords', () => {
    const { database } = loadConfig(complete());
    expect(database.writerUrl.reveal()).toBe('postgres://pitboss_writer:writer%2Fpw@127.0.0.1:15432/pitboss');
    expect(database.readerUrl.reveal()).toBe('postgres://pitboss_reader:reader-pw@127.0.0.1:15432/pitboss');
  });

  test('a process may be given its own database address and never see the owner', () => {
    const { DATABASE_URL: _owner, ...rest } = complete();
    const config = loadConfig({
      ...rest,
      DATABASE_WRITER_URL: 'postgres://w:x@db/pitboss',
      DATABASE_READER_URL: 'postgres://r:x@db/pitboss',
    });
    expect(config.database.ownerUrl).toBeUndefined();
    expect(config.database.writerUrl.reveal()).toBe('postgres://w:x@db/pitboss');
  });

  test('ClickHouse credentials come out of the address, or from their own variables', () => {
    expect(loadConfig(complete()).clickhouse).toMatchObject({
      url: 'http://127.0.0.1:8123',
      user: 'analyst',
      database: 'pitboss',
    });
    const own = loadConfig({ ...complete(), CLICKHOUSE_PASSWORD: 'own' });
    expect(own.clickhouse.password.reveal()).toBe('own');
  });

  test('no secret shows itself in JSON, inspection or text', () => {
    const config = loadConfig({
      ...complete(),
      PSP_ALPHA_URL: 'http://127.0.0.1:18100',
      PSP_ALPHA_API_KEY: 'sk_test_alpha',
      PSP_ALPHA_WEBHOOK_SECRET: 'whsec_alpha',
    });
    const shown = `${JSON.stringify(config)} ${inspect(config, { depth: 9, showHidden: true })} ${String(config.psp.alpha?.apiKey)}`;
    for (const hidden of ['owner-pw', 'olap-pw', 'sk_test_alpha', 'whsec_alpha', 'writer/pw'])
      expect(shown).not.toContain(hidden);
    expect(shown).toContain('[redacted]');
  });

  test('empty variables count as not set', () => {
    expect(loadConfig({ ...complete(), KAFKA_BROKERS: '', METRICS_PORT: '' }).metricsPort).toBe(undefined);
    expect(loadConfig({ ...complete(), KAFKA_BROKERS: 'a:1, b:2' }).kafka.brokers).toEqual(['a:1', 'b:2']);
  });

  test('so many wallets are remembered as the variable says', () => {
    expect(loadConfig({ ...complete(), WALLETS_REMEMBERED: '1000000' }).walletsRemembered).toBe(1_000_000);
    expect(problemsOf({ ...complete(), WALLETS_REMEMBERED: '0' })).toEqual([
      'WALLETS_REMEMBERED must be a number of wallets from 1 to 99999999.',
    ]);
  });

  test('each missing or malformed variable is one sentence', () => {
    const { KEY_ENCRYPTION_KEY: _key, ...rest } = complete();
    expect(problemsOf({ ...rest, PORT: 'many', TEMPORAL_ADDRESS: 'http://x' })).toEqual([
      'PORT must be a port number.',
      'TEMPORAL_ADDRESS must be host:port.',
      'KEY_ENCRYPTION_KEY is not set.',
    ]);
    expect(problemsOf({ ...complete(), PITBOSS_MODE: 'staging' })).toEqual([
      'PITBOSS_MODE must be one of development, production, test.',
    ]);
  });

  test('a counterparty with half its variables is refused by name', () => {
    expect(problemsOf({ ...complete(), KYC_VENDOR_URL: 'http://127.0.0.1:18400' })).toEqual([
      'KYC_VENDOR_APP_TOKEN is missing although KYC_VENDOR_URL is set.',
      'KYC_VENDOR_SECRET_KEY is missing although KYC_VENDOR_URL is set.',
      'KYC_VENDOR_WEBHOOK_SECRET is missing although KYC_VENDOR_URL is set.',
    ]);
  });
});

describe('production', () => {
  test('a complete environment without any sandbox counterparty is accepted', () => {
    expect(problemsOf(forProduction())).toEqual([]);
  });

  test('sample, short, repetitive and reused secrets are each refused', () => {
    const shared = key();
    const problems = problemsOf({
      ...forProduction(),
      DATABASE_WRITER_PASSWORD: 'changeme-changeme-changeme',
      DATABASE_READER_PASSWORD: 'kX9!',
      CLICKHOUSE_PASSWORD: 'abababababababababababab',
      KEY_ENCRYPTION_KEY: shared,
      BLIND_INDEX_KEY: shared,
      PSP_ALPHA_URL: 'https://psp.example.org',
      PSP_ALPHA_API_KEY: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc',
      PSP_ALPHA_WEBHOOK_SECRET: `whsec_${randomBytes(18).toString('hex')}`,
    });
    expect(problems).toEqual([
      'BLIND_INDEX_KEY has the same value as KEY_ENCRYPTION_KEY.',
      'The password of the database writer looks like a sample value.',
      'The password of the database reader is shorter than 16 characters.',
      'The ClickHouse password repeats too few characters to be random.',
      'PSP_ALPHA_API_KEY looks like a sample value.',
    ]);
  });

  test('plain http, a missing mail server and sample operators are refused', () => {
    const { SMTP_URL: _smtp, ...rest } = forProduction();
    expect(
      problemsOf({
        ...rest,
        PUBLIC_URL: 'http://play.example.org',
        SEED_OPERATORS: '[{"email":"a@b.c","password":"x","role":"risk"}]',
      }),
    ).toEqual([
      'PUBLIC_URL must be an https address in production.',
      'SMTP_URL is not set; in production players get their mail from a real server.',
      'SEED_OPERATORS is set; sample operators are not created in production.',
    ]);
  });
});

describe('secrets under rotation', () => {
  const soon = () => new Date(Date.now() + 86_400_000).toISOString();
  const past = '2025-01-01T00:00:00Z';
  const alpha = (former: unknown) => ({
    ...complete(),
    PSP_ALPHA_URL: 'http://127.0.0.1:1',
    PSP_ALPHA_API_KEY: 'sk',
    PSP_ALPHA_WEBHOOK_SECRET: 'whsec_new',
    PSP_ALPHA_FORMER_WEBHOOK_SECRETS: typeof former === 'string' ? former : JSON.stringify(former),
  });

  test('one former secret may be valid beside the current one, and those that have ended may stay', () => {
    const former = [
      { name: '2024', secret: 'whsec_ended', validUntil: past },
      { name: '2025', secret: 'whsec_old', validUntil: soon() },
    ];
    const { psp } = loadConfig(alpha(former));
    expect(psp.alpha?.formerSecrets?.reveal()).toEqual(former);
    expect(inspect(psp, { depth: 9 })).not.toContain('whsec_');
  });

  test('a third active secret, a name or secret twice, and what is no list are refused', () => {
    const one = { name: 'a', secret: 'whsec_a', validUntil: soon() };
    expect(problemsOf(alpha([one, { ...one, name: 'b', secret: 'whsec_b' }])).join()).toContain('one may be');
    expect(problemsOf(alpha([one, { ...one, secret: 'x', validUntil: past }])).join()).toContain(
      'a name twice',
    );
    expect(problemsOf(alpha([{ ...one, secret: 'whsec_new' }])).join()).toContain('a secret twice');
    for (const wrong of ['x', '{}', [{ ...one, validUntil: 'tomorrow' }], [{ name: 'a', secret: 's' }]])
      expect(problemsOf(alpha(wrong)).join()).toContain('must be a JSON list');
  });

  test('a former HMAC key is hexadecimal, and production weighs former secrets as it does others', () => {
    const beta = {
      PSP_BETA_URL: 'https://psp.example.org',
      PSP_BETA_API_KEY: randomBytes(18).toString('hex'),
      PSP_BETA_MERCHANT_ACCOUNT: 'M',
      PSP_BETA_HMAC_KEY: randomBytes(32).toString('hex'),
    };
    const former = (secret: string) => JSON.stringify([{ name: 'old', secret, validUntil: soon() }]);
    expect(problemsOf({ ...complete(), ...beta, PSP_BETA_FORMER_HMAC_KEYS: former('zz') }).join()).toContain(
      'must be hexadecimal',
    );
    const weak = { ...forProduction(), ...beta, PSP_BETA_FORMER_HMAC_KEYS: former('0f0f') };
    expect(problemsOf(weak).join()).toContain('PSP_BETA_FORMER_HMAC_KEYS (old) is shorter');
  });
});
