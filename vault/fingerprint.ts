/** Tells that two tokens are of one card without telling which: an HMAC of the number under a key that can be replaced. */
import { createHmac } from 'node:crypto';

export type FingerprintKey = { readonly id: string; readonly key: Buffer };

/** Only fingerprints under one key can be compared. */
export type Fingerprint = { readonly fingerprint: string; readonly fingerprintKeyId: string };

export const fingerprintOf = ({ id, key }: FingerprintKey, number: string): Fingerprint => ({
  fingerprint: createHmac('sha256', key).update(`card:${number}`).digest('hex'),
  fingerprintKeyId: id,
});
