/** AES-256-GCM in one piece: what is sealed under a key and a context opens under the same two alone. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export type SealedBox = { readonly nonce: Buffer; readonly ciphertext: Buffer; readonly tag: Buffer };

const algorithm = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;

export function sealBox(key: Buffer, plain: Buffer, context: string): SealedBox {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, ciphertext, tag: cipher.getAuthTag() };
}

/** Null when anything was changed, or key or context are not those it was sealed with. */
export function openBox(key: Buffer, box: SealedBox, context: string): Buffer | null {
  try {
    const decipher = createDecipheriv(algorithm, key, box.nonce, { authTagLength: tagLength });
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(box.tag);
    return Buffer.concat([decipher.update(box.ciphertext), decipher.final()]);
  } catch {
    return null;
  }
}
