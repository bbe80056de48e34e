/** How much left the hot wallet within a day, so that a thief with our key to the signer takes a day's cap and no more. */

export type Spend = { readonly asset: string; readonly nonce: number; readonly amount: bigint };

const windowMs = 24 * 3_600_000;

/**
 * Kept in memory: a restart forgets it, and who can restart the signer has its keys anyway. Orders of one nonce count
 * once, with the largest, because only one of them can be mined.
 */
export function createSpending(dayMax: ReadonlyMap<string, bigint>) {
  const spent = new Map<number, { asset: string; amount: bigint; atMs: number }>();
  return {
    /** False when the order would pass the day's cap; true takes it in. */
    admit({ asset, nonce, amount }: Spend, nowMs: number): boolean {
      for (const [known, { atMs }] of spent) if (nowMs - atMs > windowMs) spent.delete(known);
      const before = spent.get(nonce);
      const counted = before?.asset === asset && before.amount > amount ? before.amount : amount;
      let sum = counted;
      for (const [known, entry] of spent) if (known !== nonce && entry.asset === asset) sum += entry.amount;
      if (sum > (dayMax.get(asset) ?? 0n)) return false;
      spent.set(nonce, { asset, amount: counted, atMs: before?.atMs ?? nowMs });
      return true;
    },
  };
}
