/** Key management from a file, for development: `{"current": "k1", "keys": {"k1": "<32 bytes, base64>"}}`. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { openBox, sealBox } from './authenticated-box.ts';
import type { KeyManagement } from './key-management.ts';
import { Refusal } from './refusal.ts';

const key32Bytes = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);
const keyFile = z
  .strictObject({ current: z.string().regex(/^[\w.-]{1,64}$/), keys: z.record(z.string(), key32Bytes) })
  .refine(({ current, keys }) => current in keys);

const nonceLength = 12;
const tagLength = 16;

/** Throws when the file is not there or not such a file. */
export function openLocalKeys(path: string): KeyManagement {
  const parsed = keyFile.safeParse(parseJson(readFileSync(path, 'utf8')));
  if (!parsed.success)
    throw new Error('VAULT_KEY_FILE must hold {"current": name, "keys": {name: 32 bytes in base64}}.');
  const { current } = parsed.data;
  const keys = new Map(
    Object.entries(parsed.data.keys).map(([name, key]) => [`local:${name}`, Buffer.from(key, 'base64')]),
  );
  const currentId = `local:${current}`;
  const keyOf = (keyId: string): Buffer => {
    const key = keys.get(keyId);
    if (key === undefined) throw new Refusal('keys-refused', `The key file holds no key ${keyId}.`);
    return key;
  };
  return {
    currentKeyId: () => Promise.resolve(currentId),
    wrap: async (dataKey, token) => {
      const { nonce, ciphertext, tag } = sealBox(keyOf(currentId), dataKey, token);
      return { keyId: currentId, wrapped: Buffer.concat([nonce, ciphertext, tag]) };
    },
    unwrap: async ({ keyId, wrapped }, token) => {
      const box = {
        nonce: wrapped.subarray(0, nonceLength),
        ciphertext: wrapped.subarray(nonceLength, -tagLength),
        tag: wrapped.subarray(-tagLength),
      };
      const dataKey = openBox(keyOf(keyId), box, token);
      if (dataKey === null)
        throw new Refusal(
          'card-unreadable',
          `The data key does not open under ${keyId}: row or key are not the same.`,
        );
      return dataKey;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
