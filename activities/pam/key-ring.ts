/**
 * The keys that make personal data readable: data keys wrapped by one key-encryption key, and a blind index for
 * finding an address without storing it. Losing the key-encryption key loses all personal data; nothing else.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

export type KeyRing = {
  /** Names the key-encryption key in force; stored beside every wrapped key, so that rotation can find its work. */
  readonly keyId: string;
  /** Wraps a 32-byte data key (AES-256 key wrap, RFC 3394). */
  wrap(dataKey: Buffer): Buffer;
  /** Unwraps a data key; throws when the key was wrapped by another key or was altered. */
  unwrap(wrapped: Buffer, keyId: string): Buffer;
  /** HMAC-SHA-256 of a text under the index key: equal texts meet, and nobody without the key can guess them. */
  blindIndex(text: string): Buffer;
  /** AES-256-GCM as nonce, ciphertext, tag. `context` is authenticated, so a sealed value cannot change its owner. */
  seal(dataKey: Buffer, plain: Buffer, context: string): Buffer;
  /** Opens what `seal` made; throws when key, context or content differ. */
  open(dataKey: Buffer, sealed: Buffer, context: string): Buffer;
};

const keyWrapIv = Buffer.alloc(8, 0xa6);
const nonceBytes = 12;
const tagBytes = 16;

/** Key ring of keys given by configuration; both are 32 random bytes. */
export function createKeyRing(keys: { readonly kek: Buffer; readonly blindIndexKey: Buffer }): KeyRing {
  if (keys.kek.length !== 32 || keys.blindIndexKey.length !== 32) throw new Error('A key has 32 bytes');
  const keyId = createHash('sha256').update('pitboss key id\n').update(keys.kek).digest('hex').slice(0, 16);
  return {
    keyId,
    wrap(dataKey) {
      const cipher = createCipheriv('id-aes256-wrap', keys.kek, keyWrapIv);
      return Buffer.concat([cipher.update(dataKey), cipher.final()]);
    },
    unwrap(wrapped, wrappedBy) {
      if (wrappedBy !== keyId) throw new Error(`No key-encryption key ${wrappedBy} on the ring`);
      const decipher = createDecipheriv('id-aes256-wrap', keys.kek, keyWrapIv);
      return Buffer.concat([decipher.update(wrapped), decipher.final()]);
    },
    blindIndex: (text) => createHmac('sha256', keys.blindIndexKey).update(text, 'utf8').digest(),
    seal,
    open,
  };
}

/** A fresh data key. */
export const createDataKey = (): Buffer => randomBytes(32);

function seal(dataKey: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', dataKey, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(dataKey: Buffer, sealed: Buffer, context: string): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new Error('A sealed value is too short');
  const decipher = createDecipheriv('aes-256-gcm', dataKey, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
}
