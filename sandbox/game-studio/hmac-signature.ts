/** X-REQUEST-SIGN of the a8r dialects: HMAC-SHA256 over the raw bytes of the body, in lower-case hex, with a shared token. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const requestSignHeader = 'x-request-sign';

export const signRequest = (body: string | Buffer, token: string): string =>
  createHmac('sha256', token).update(body).digest('hex');

export function isRequestSigned(body: Buffer, signature: string | undefined, token: string): boolean {
  if (signature === undefined || !/^[0-9a-f]{64}$/.test(signature)) return false;
  return timingSafeEqual(Buffer.from(signRequest(body, token), 'hex'), Buffer.from(signature, 'hex'));
}
