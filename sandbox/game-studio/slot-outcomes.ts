/** Seeded outcomes at a return of 95 %: the same seed plays the same rounds. Integers only. */
import { createHash } from 'node:crypto';

/** Multiplier in hundredths of the stake, and its weight in ten thousandths; the products add up to 95 % of the stake. */
const paytable = [
  { multiplierHundredths: 0n, weight: 6330 },
  { multiplierHundredths: 50n, weight: 1200 },
  { multiplierHundredths: 100n, weight: 1100 },
  { multiplierHundredths: 200n, weight: 800 },
  { multiplierHundredths: 500n, weight: 350 },
  { multiplierHundredths: 1000n, weight: 120 },
  { multiplierHundredths: 2500n, weight: 70 },
  { multiplierHundredths: 5000n, weight: 30 },
] as const;

export interface OutcomeSource {
  /** A whole number from 0 up to, and without, the bound. */
  draw(bound: number): number;
  multiplierHundredths(): bigint;
}

export function createOutcomeSource(seed: string): OutcomeSource {
  let counter = 0;
  function draw(bound: number): number {
    // 32 bits against bounds of at most ten thousand: the bias is below a millionth.
    const digest = createHash('sha256').update(`${seed}:${counter}`).digest();
    counter += 1;
    return digest.readUInt32BE(0) % bound;
  }
  return {
    draw,
    multiplierHundredths() {
      let left = draw(10_000);
      for (const { multiplierHundredths, weight } of paytable) {
        if (left < weight) return multiplierHundredths;
        left -= weight;
      }
      return 0n;
    },
  };
}

export const returnPerTenThousand = Number(
  paytable.reduce(
    (sum, { multiplierHundredths, weight }) => sum + multiplierHundredths * BigInt(weight),
    0n,
  ) / 100n,
);
