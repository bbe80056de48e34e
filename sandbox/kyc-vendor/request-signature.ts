/** Checks the three headers every API request must carry: token, time, and the signature over time, method, address and body. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const ageSecondsMax = 300;

interface SignedRequest {
  method: string;
  uri: string;
  body: Buffer;
  header: (name: string) => string | undefined;
}

/** The reason of a refusal, or undefined. */
export function signatureFault(
  { method, uri, body, header }: SignedRequest,
  appToken: string,
  secretKey: string,
): string | undefined {
  if (header('x-app-token') !== appToken) return 'App token is invalid';
  const timestamp = header('x-app-access-ts') ?? '';
  if (!/^\d{10}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > ageSecondsMax) {
    return 'Request timestamp is too old or missing';
  }
  const expected = createHmac('sha256', secretKey)
    .update(timestamp + method + uri)
    .update(body)
    .digest();
  const presented = Buffer.from(header('x-app-access-sig') ?? '', 'hex');
  return presented.length === expected.length && timingSafeEqual(presented, expected)
    ? undefined
    : 'Request signature mismatch';
}
