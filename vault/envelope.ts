/** Envelope encryption of one card number: a data key of its own, wrapped by the key management, bound to the token. */
import { randomBytes } from 'node:crypto';
import { openBox, sealBox, type SealedBox } from './authenticated-box.ts';
import type { KeyManagement, WrappedKey } from './key-management.ts';
import { Refusal } from './refusal.ts';

export type Envelope = SealedBox & WrappedKey;

export async function sealNumber(keys: KeyManagement, number: string, token: string): Promise<Envelope> {
  const dataKey = randomBytes(32);
  try {
    const wrapped = await keys.wrap(dataKey, token);
    return { ...sealBox(dataKey, Buffer.from(number, 'latin1'), token), ...wrapped };
  } finally {
    dataKey.fill(0);
  }
}

/** Throws a `Refusal`: `card-unreadable` and those of the key management. */
export async function openNumber(keys: KeyManagement, envelope: Envelope, token: string): Promise<string> {
  const dataKey = await keys.unwrap(envelope, token);
  try {
    const plain = openBox(dataKey, envelope, token);
    if (plain === null)
      throw new Refusal(
        'card-unreadable',
        'The row of this token fails its check: it was changed or exchanged.',
      );
    const number = plain.toString('latin1');
    plain.fill(0);
    return number;
  } finally {
    dataKey.fill(0);
  }
}

/** The same row under the current key: the number stays sealed as it is. */
export async function rewrapKey(keys: KeyManagement, old: WrappedKey, token: string): Promise<WrappedKey> {
  const dataKey = await keys.unwrap(old, token);
  try {
    return await keys.wrap(dataKey, token);
  } finally {
    dataKey.fill(0);
  }
}
