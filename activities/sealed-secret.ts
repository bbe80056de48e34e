/** A secret of the platform at rest: AES-256-GCM under a data key of its own, which the key ring wraps. Used by every module that keeps credentials of outside parties. */
import { createDataKey, type KeyRing } from './pam/key-ring.ts';

export type SealedSecret = {
  /** Names the key-encryption key that wrapped the data key. */
  readonly keyId: string;
  readonly wrapped: Buffer;
  readonly sealed: Buffer;
};

/** `context` names the owner and is authenticated: a row that is copied to another owner does not open. */
export function sealSecret(keyRing: KeyRing, secret: string, context: string): SealedSecret {
  const dataKey = createDataKey();
  const sealed = keyRing.seal(dataKey, Buffer.from(secret, 'utf8'), context);
  return { keyId: keyRing.keyId, wrapped: keyRing.wrap(dataKey), sealed };
}

/** Throws when key ring, context or content differ. */
export const openSecret = (
  keyRing: KeyRing,
  { keyId, wrapped, sealed }: SealedSecret,
  context: string,
): Buffer => keyRing.open(keyRing.unwrap(wrapped, keyId), sealed, context);
