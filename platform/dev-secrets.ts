/** Secrets of a development home: made once, random, readable by this user alone. Production brings its own. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HDKey } from 'viem/accounts';
import { roleNames } from '#domain/backoffice/roles.ts';
import { BringUpFailure } from './bring-up-failure.ts';

export interface OperatorSecret {
  readonly email: string;
  readonly password: string;
  readonly role: string;
}

export interface DevSecrets {
  readonly database: { readonly owner: string; readonly writer: string; readonly reader: string };
  readonly clickhouse: string;
  /** For docker-compose.yml only. */
  readonly temporalDatabase: string;
  readonly grafana: string;
  readonly keyEncryptionKey: string;
  readonly blindIndexKey: string;
  readonly payloadCodecKey: string;
  /** Signs checkpoints of the ledger. */
  readonly ledgerSigningKey: string;
  readonly pspAlpha: { readonly apiKey: string; readonly webhookSecret: string };
  readonly pspBeta: { readonly apiKey: string; readonly merchantAccount: string; readonly hmacKey: string };
  readonly pspGamma: {
    readonly apiKey: string;
    readonly processingChannelId: string;
    readonly currencyAccountId: string;
    readonly webhookSecret: string;
  };
  /** Of the optional card vault: shared with its callers, of its role, of its fingerprints and of its data keys. */
  readonly cardVault: {
    readonly callerSecret: string;
    readonly database: string;
    readonly fingerprintKey: string;
    readonly keyEncryptionKey: string;
  };
  readonly bank: { readonly apiKey: string; readonly iban: string; readonly name: string };
  readonly kycVendor: {
    readonly appToken: string;
    readonly secretKey: string;
    readonly webhookSecret: string;
  };
  /** Both sides sign: the operator what it sends to the studio, the studio its wallet calls. */
  readonly hub88: {
    readonly operatorPrivateKey: string;
    readonly operatorPublicKey: string;
    readonly studioPrivateKey: string;
    readonly studioPublicKey: string;
  };
  /** Shared with the studio for its a8r calls; either side signs with them. */
  readonly a8r: { readonly v2Token: string; readonly v1Token: string };
  readonly oddsFeed: { readonly webhookSecret: string };
  /** Of the sandbox chain: the signer's seed, its public half, and what the platform and the signer share. */
  readonly evm: { readonly seed: string; readonly xpub: string; readonly signerSecret: string };
  readonly operators: readonly OperatorSecret[];
}

export function loadDevSecrets(home: string): DevSecrets {
  const file = join(home, 'secrets.json');
  const before = existsSync(file) ? parse(file) : undefined;
  const secrets = complete(before);
  if (JSON.stringify(secrets) !== JSON.stringify(before)) writePrivately(file, secrets);
  return secrets;
}

export function createDevSecrets(): DevSecrets {
  return complete(undefined);
}

export function writePrivately(file: string, value: unknown): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** Keeps what is there and adds what a newer version needs. */
function complete(before: Partial<DevSecrets> | undefined): DevSecrets {
  return {
    database: before?.database ?? { owner: password(), writer: password(), reader: password() },
    clickhouse: before?.clickhouse ?? password(),
    temporalDatabase: before?.temporalDatabase ?? password(),
    grafana: before?.grafana ?? password(),
    keyEncryptionKey: before?.keyEncryptionKey ?? key(),
    blindIndexKey: before?.blindIndexKey ?? key(),
    payloadCodecKey: before?.payloadCodecKey ?? key(),
    ledgerSigningKey: before?.ledgerSigningKey ?? key(),
    pspAlpha: before?.pspAlpha ?? { apiKey: `sk_test_${password()}`, webhookSecret: `whsec_${password()}` },
    pspBeta: before?.pspBeta ?? {
      apiKey: `AQE_test_${password()}`,
      merchantAccount: 'PitbossSandbox',
      hmacKey: randomBytes(32).toString('hex').toUpperCase(),
    },
    pspGamma: before?.pspGamma ?? {
      apiKey: `sk_sbox_${password()}`,
      processingChannelId: 'pc_sandbox',
      currencyAccountId: 'ca_sandbox',
      webhookSecret: password(),
    },
    cardVault: before?.cardVault ?? {
      callerSecret: password(),
      database: password(),
      fingerprintKey: key(),
      keyEncryptionKey: key(),
    },
    bank: before?.bank ?? {
      apiKey: password(),
      iban: 'MT84MALT011000012345MTLCAST001S',
      name: 'Pitboss Sandbox Ltd',
    },
    kycVendor: before?.kycVendor ?? {
      appToken: `sbx:${password()}`,
      secretKey: password(),
      webhookSecret: password(),
    },
    hub88: before?.hub88 ?? hub88Keys(),
    a8r: before?.a8r ?? { v2Token: password(), v1Token: password() },
    evm: before?.evm ?? evmKeys(),
    oddsFeed: before?.oddsFeed ?? { webhookSecret: password() },
    operators: operators(before?.operators ?? []),
  };
}

function operators(before: readonly OperatorSecret[]): OperatorSecret[] {
  return roleNames.map(
    (role) =>
      before.find((operator) => operator.role === role) ?? {
        email: `${role}@pitboss.localhost`,
        password: password(),
        role,
      },
  );
}

function hub88Keys(): DevSecrets['hub88'] {
  const operator = rsaPair();
  const studio = rsaPair();
  return {
    operatorPrivateKey: operator.privateKey,
    operatorPublicKey: operator.publicKey,
    studioPrivateKey: studio.privateKey,
    studioPublicKey: studio.publicKey,
  };
}

function evmKeys(): DevSecrets['evm'] {
  const seed = randomBytes(32);
  const account = HDKey.fromMasterSeed(seed).derive("m/44'/60'/0'");
  return { seed: seed.toString('hex'), xpub: account.publicExtendedKey, signerSecret: password() };
}

function rsaPair(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** Letters and digits only: they travel in addresses and headers. */
function password(): string {
  return randomBytes(24).toString('base64url').replaceAll(/[-_]/g, 'x');
}

function key(): string {
  return randomBytes(32).toString('base64');
}

function parse(file: string): Partial<DevSecrets> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<DevSecrets>;
  } catch {
    throw new BringUpFailure(
      `${file} cannot be read: restore it, or remove the home folder to begin anew (its data cannot be opened without it).`,
    );
  }
}
