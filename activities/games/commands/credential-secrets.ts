/**
 * Keys of integrations as this process uses them: sealed at rest under a data key each, opened for the one who signs
 * or verifies, and shown to people as fingerprints only.
 */
import { createHash, createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import type { ActivityDeps } from '#activities/deps.ts';
import { openSecret, sealSecret, type SealedSecret } from '#activities/sealed-secret.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { CredentialKind } from '#domain/games/dialects.ts';

type KeyRing = ActivityDeps['keyRing'];

/** What a credential looks like before it has a row. */
export type CredentialParts = {
  readonly kind: CredentialKind;
  readonly fingerprint: string;
  /** PEM of the public half; null for a shared secret. */
  readonly publicKey: string | null;
  readonly secret: SealedSecret | null;
};

/** An altered row, or one moved to another integration, does not open. */
const contextOf = (integration: string, id: string): string => `integration:${integration}:credential:${id}`;

const rsaBitsMin = 2_048;

/**
 * Reads key material and seals what is secret of it. `invalid-request` for anything but an RSA key of 2048 bits or
 * more, or a secret of 1 to 512 visible characters.
 */
export function sealCredential(
  keyRing: KeyRing,
  owner: { readonly integration: string; readonly id: string },
  kind: CredentialKind,
  material: string,
): Result<CredentialParts> {
  const seal = () => sealSecret(keyRing, material, contextOf(owner.integration, owner.id));
  if (kind === 'hmac-secret') {
    if (!/^[\x21-\x7e]{1,512}$/.test(material))
      return fail('invalid-request', 'A shared secret has 1 to 512 visible ASCII characters.');
    return succeed({
      kind,
      fingerprint: secretFingerprint(keyRing, material),
      publicKey: null,
      secret: seal(),
    });
  }
  const key = readRsa(kind, material);
  if (!key)
    return fail(
      'invalid-request',
      `This is no RSA ${kind === 'rsa-public' ? 'public' : 'private'} key of ${rsaBitsMin} bits or more.`,
    );
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return succeed({
    kind,
    fingerprint: createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    secret: kind === 'rsa-private' ? seal() : null,
  });
}

/** Keyed, so that a weak secret cannot be guessed from what is shown. */
export const secretFingerprint = (keyRing: KeyRing, secret: string): string =>
  keyRing.blindIndex(`integration-secret\n${secret}`).toString('hex').slice(0, 32);

function readRsa(kind: 'rsa-public' | 'rsa-private', material: string): KeyObject | null {
  try {
    // A private key would pass as a public one, and be kept in the clear.
    if (kind === 'rsa-public' && material.includes('PRIVATE')) return null;
    const key = kind === 'rsa-public' ? createPublicKey(material) : createPrivateKey(material);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= rsaBitsMin ? key : null;
  } catch {
    return null;
  }
}

export type StoredCredential = {
  readonly id: string;
  readonly integration: string;
  readonly kind: string;
  readonly publicKey: string | null;
  readonly keyId: string | null;
  readonly wrapped: Buffer | null;
  readonly sealed: Buffer | null;
};

/** The key of a row, for signing or verifying. Throws when the row was altered or is sealed by another key ring. */
export function openCredential(keyRing: KeyRing, row: StoredCredential): KeyObject {
  if (row.kind === 'rsa-public') return createPublicKey(row.publicKey ?? '');
  const plain = openSealed(keyRing, row);
  return row.kind === 'rsa-private' ? createPrivateKey(plain) : createSecretKey(plain);
}

function openSealed(keyRing: KeyRing, { id, integration, keyId, wrapped, sealed }: StoredCredential): Buffer {
  if (keyId === null || wrapped === null || sealed === null)
    throw new Error(`The secret of credential ${id} is gone`);
  return openSecret(keyRing, { keyId, wrapped, sealed }, contextOf(integration, id));
}
