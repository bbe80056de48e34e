import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDataKey, createKeyRing } from './key-ring.ts';

const kek = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const ring = createKeyRing({ kek, blindIndexKey: Buffer.alloc(32, 0x0b) });

describe('key ring', () => {
  test('wraps as RFC 3394, section 4.6 says', () => {
    const dataKey = Buffer.from('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f', 'hex');
    const wrapped = ring.wrap(dataKey);
    expect(wrapped.toString('hex')).toBe(
      '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
    );
    expect(ring.unwrap(wrapped, ring.keyId)).toEqual(dataKey);
  });

  test('refuses an altered wrapping and a key of another ring', () => {
    const wrapped = ring.wrap(createDataKey());
    const altered = Buffer.from(wrapped);
    altered[3] = (altered[3] ?? 0) ^ 1;
    expect(() => ring.unwrap(altered, ring.keyId)).toThrow();
    const other = createKeyRing({ kek: Buffer.alloc(32, 7), blindIndexKey: Buffer.alloc(32, 8) });
    expect(() => other.unwrap(wrapped, ring.keyId)).toThrow(/on the ring/);
    expect(() => other.unwrap(wrapped, other.keyId)).toThrow();
  });

  test('indexes blindly: HMAC-SHA-256 under the index key', () => {
    expect(ring.blindIndex('Hi There').toString('hex')).toBe(
      '198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7',
    );
  });

  test('opens an AES-256-GCM value that was made elsewhere', () => {
    // NIST GCM test case 16: 256-bit key, 96-bit nonce, additional data.
    const key = Buffer.from('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308', 'hex');
    const nonce = Buffer.from('cafebabefacedbaddecaf888', 'hex');
    const plain =
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39';
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from('player:1'));
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'hex'), cipher.final(), cipher.getAuthTag()]);
    expect(sealed.subarray(12, 28).toString('hex')).toBe('522dc1f099567d07f47f37a32a84427d');
    expect(ring.open(key, sealed, 'player:1').toString('hex')).toBe(plain);
  });

  test('a sealed value cannot be moved to another owner', () => {
    const dataKey = createDataKey();
    const sealed = ring.seal(dataKey, Buffer.from('Ada'), 'player:1:aml');
    expect(ring.open(dataKey, sealed, 'player:1:aml').toString()).toBe('Ada');
    expect(() => ring.open(dataKey, sealed, 'player:2:aml')).toThrow();
  });
});
