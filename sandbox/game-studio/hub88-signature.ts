/** X-Hub88-Signature (Caleta: X-Auth-Signature): RSA, PKCS#1 v1.5, SHA-256, base64, over the raw bytes of the body. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

export const signatureHeader = 'x-hub88-signature';
export const caletaSignatureHeader = 'x-auth-signature';

/** PEM text, PEM text with \n written out, or the path of a PEM file. */
function pemText(value: string): string {
  if (value.includes('-----BEGIN')) return value.replaceAll('\\n', '\n');
  return existsSync(value) ? readFileSync(value, 'utf8') : value;
}

export const readPrivateKey = (value: string): KeyObject => createPrivateKey(pemText(value));
export const readPublicKey = (value: string): KeyObject => createPublicKey(pemText(value));

export const signBody = (body: string | Buffer, key: KeyObject): string =>
  sign('sha256', typeof body === 'string' ? Buffer.from(body, 'utf8') : body, key).toString('base64');

export function isSignedBy(body: Buffer, signature: string | undefined, key: KeyObject): boolean {
  return signature !== undefined && verify('sha256', body, key, Buffer.from(signature, 'base64'));
}
