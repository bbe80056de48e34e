/** Compares sums of any number of rounds in flat memory: first in buckets under secret weights, then only what differs. */
import { createHmac, randomBytes } from 'node:crypto';

const bucketCount = 4_096;

type Sums = { staked: bigint; won: bigint };

export type RoundTally = {
  /** Adds (journals) or takes away (the round's row) what a round staked and won. */
  add(key: string, staked: bigint, won: bigint): void;
  /** True for a round whose bucket does not come out at zero: only these must be looked at one by one. */
  isSuspect(key: string): boolean;
  readonly hasSuspects: () => boolean;
};

/**
 * Equal sums cancel out in their bucket. A secret weight per round keeps two differences in one bucket from hiding each
 * other, whoever prepared them.
 */
export function createRoundTally(): RoundTally {
  const secret = randomBytes(32);
  const buckets: Sums[] = Array.from({ length: bucketCount }, () => ({ staked: 0n, won: 0n }));
  const bucketOf = (key: string): { sums: Sums; weight: bigint } => {
    const digest = createHmac('sha256', secret).update(key).digest();
    const sums = buckets[digest.readUInt16BE(0) % bucketCount] ?? { staked: 0n, won: 0n };
    return { sums, weight: digest.readBigUInt64BE(8) | 1n };
  };
  const isOff = ({ staked, won }: Sums): boolean => staked !== 0n || won !== 0n;
  return {
    add(key, staked, won) {
      const { sums, weight } = bucketOf(key);
      sums.staked += weight * staked;
      sums.won += weight * won;
    },
    isSuspect: (key) => isOff(bucketOf(key).sums),
    hasSuspects: () => buckets.some(isOff),
  };
}
