/** Identifiers in the shape the real PSPs give them. */
import { randomBytes } from 'node:crypto';

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const mixed = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const pick = (alphabet: string, length: number) =>
  Array.from(randomBytes(length), (byte) => alphabet[byte % alphabet.length]).join('');

/** Stripe: a prefix that names the kind, then 24 characters. */
export const prefixedId = (prefix: string) => `${prefix}_${pick(mixed, 24)}`;

/** Adyen: 16 capital letters and digits. */
export const pspReference = () => pick(letters, 16);
