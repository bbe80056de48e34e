/**
 * Splits decisions by volume without chance: the same key always falls into the same share, on every process and in
 * every replay, and growing one share moves as few keys as possible.
 */
import { assert } from '../failures.ts';

/** Shares are in basis points of the volume. */
export const bucketsCount = 10_000;

/**
 * Where a key falls, from 0 to 9999, spread evenly. `salt` names the split: two splits with different salts are
 * independent of each other. Not a cryptographic hash: whoever chooses the key can choose the bucket.
 */
export function bucketOf(key: string, salt: string): number {
  // FNV-1a over the UTF-16 units of both, and the finaliser of MurmurHash3, since FNV alone is uneven in its high bits.
  let hash = hashOver(saltHash(salt), key);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  // 2^32 possible values are so many more than buckets that the remainder's bias is below one in 400,000.
  return hash % bucketsCount;
}

/**
 * How far the hash has come when the key begins. Databases go on from here, so that they need to know nothing of the
 * salt's units: keys are ids, of one byte a character.
 */
export const saltHash = (salt: string): number => hashOver(0x811c9dc5, `${salt}\n`) >>> 0;

function hashOver(start: number, text: string): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash;
}

/** The option whose share contains the bucket. Shares must add up to the whole: that is checked when a rule is saved. */
export function shareAt<T extends { readonly shareBps: number }>(options: readonly T[], bucket: number): T {
  let upTo = 0;
  for (const option of options) {
    upTo += option.shareBps;
    if (bucket < upTo) return option;
  }
  const last = options.at(-1);
  assert(last !== undefined, 'a split has shares');
  return last;
}
