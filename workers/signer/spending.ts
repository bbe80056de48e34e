/** How much left the hot wallet within a day, so that a thief with our key to the signer takes a day's cap and no more. */

export type Spend = {
  readonly asset: string;
  /** Address and nonce: of what is signed for it only one can be mined. */
  readonly slot: string;
  readonly amount: bigint;
};

const windowMs = 24 * 3_600_000;

/**
 * Kept in memory: a restart forgets it, and who can restart the signer has its keys anyway. Orders of one nonce in one asset
 * count once, with the largest, because only one of them can be mined. In several assets they count for each: an order in
 * another asset takes nothing back, since it need not be the one that is mined. A day begins with the newest signature.
 */
export function createSpending(dayMax: ReadonlyMap<string, bigint>) {
  const spent = new Map<string, { asset: string; amount: bigint; atMs: number }>();
  return {
    /** False when the order would pass the day's cap; true takes it in. */
    admit({ asset, slot, amount }: Spend, nowMs: number): boolean {
      for (const [known, { atMs }] of spent) if (nowMs - atMs > windowMs) spent.delete(known);
      const key = `${asset} ${slot}`;
      const before = spent.get(key)?.amount ?? 0n;
      const counted = before > amount ? before : amount;
      let sum = counted;
      for (const [known, entry] of spent) if (known !== key && entry.asset === asset) sum += entry.amount;
      if (sum > (dayMax.get(asset) ?? 0n)) return false;
      spent.set(key, { asset, amount: counted, atMs: nowMs });
      return true;
    },
  };
}
