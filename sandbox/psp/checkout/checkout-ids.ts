/** Identifiers as Checkout.com makes them: a prefix that names the kind, then 26 letters and digits of base 32. */
import { randomBytes } from 'node:crypto';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

export const checkoutId = (prefix: 'pay' | 'act' | 'src' | 'tok' | 'evt' | 'sid' | 'dsp'): string =>
  `${prefix}_${Array.from(randomBytes(26), (byte) => alphabet[byte % 32]).join('')}`;
