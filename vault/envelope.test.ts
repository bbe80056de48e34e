import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openNumber, rewrapKey, sealNumber, type Envelope } from './envelope.ts';
import { openLocalKeys } from './local-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'pitboss-envelope-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keysOf = (current: string, keys: Record<string, Buffer>) => {
  const path = join(folder, randomBytes(4).toString('hex'));
  const shown = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.toString('base64')]));
  writeFileSync(path, JSON.stringify({ current, keys: shown }));
  return openLocalKeys(path);
};
const k1 = randomBytes(32);
const keys = keysOf('k1', { k1 });
const numbers = fc.stringMatching(/^\d{14,19}$/);
const tokens = fc.stringMatching(/^vt_[a-zA-Z]{26}$/);
const unreadable = expect.objectContaining({ code: 'card-unreadable' }) as unknown;

describe('an envelope', () => {
  test('opens to what was sealed, and shows none of it', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, tokens, async (number, token) => {
        const envelope = await sealNumber(keys, number, token);
        expect(await openNumber(keys, envelope, token)).toBe(number);
        expect(Buffer.concat([envelope.ciphertext, envelope.wrapped]).includes(number)).toBe(false);
        expect((await sealNumber(keys, number, token)).ciphertext).not.toEqual(envelope.ciphertext);
      }),
      { numRuns: 50 },
    );
  });

  test('does not open after a change of any one bit', async () => {
    const parts = ['nonce', 'ciphertext', 'tag', 'wrapped'] as const;
    await fc.assert(
      fc.asyncProperty(
        numbers,
        tokens,
        fc.constantFrom(...parts),
        fc.nat(),
        fc.nat(7),
        async (number, token, part, place, bit) => {
          const envelope = await sealNumber(keys, number, token);
          const bytes = Buffer.from(envelope[part]);
          const index = place % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          const changed: Envelope = { ...envelope, [part]: bytes };
          await expect(openNumber(keys, changed, token)).rejects.toEqual(unreadable);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('does not open in another row, whole or in part', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, tokens, tokens, async (number, token, other) => {
        fc.pre(token !== other);
        const [mine, theirs] = [await sealNumber(keys, number, token), await sealNumber(keys, number, other)];
        await expect(openNumber(keys, mine, other)).rejects.toEqual(unreadable);
        const mixed = { ...mine, wrapped: theirs.wrapped };
        await expect(openNumber(keys, mixed, token)).rejects.toEqual(unreadable);
        await expect(openNumber(keys, mixed, other)).rejects.toEqual(unreadable);
      }),
      { numRuns: 50 },
    );
  });

  test('opens under the next key after its data key was wrapped anew, its ciphertext untouched', async () => {
    const both = keysOf('k2', { k1, k2: randomBytes(32) });
    const token = `vt_${'a'.repeat(26)}`;
    const envelope = await sealNumber(keys, '4242424242424242', token);
    const rotated = { ...envelope, ...(await rewrapKey(both, envelope, token)) };
    expect(rotated).toMatchObject({ keyId: 'local:k2', ciphertext: envelope.ciphertext });
    expect(await openNumber(both, rotated, token)).toBe('4242424242424242');
    await expect(openNumber(keys, rotated, token)).rejects.toEqual(
      expect.objectContaining({ code: 'keys-refused' }),
    );
    const another = keysOf('k1', { k1: randomBytes(32) });
    await expect(openNumber(another, envelope, token)).rejects.toEqual(unreadable);
  });
});
