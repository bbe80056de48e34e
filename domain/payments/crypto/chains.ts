/** The chains that crypto may come over, by the names that the asset table gives them as networks. */
import { assets } from '../../assets.ts';

export const chainNames = ['ethereum', 'bsc', 'polygon'] as const;
export type ChainName = (typeof chainNames)[number];

export type Chain = {
  readonly name: ChainName;
  /** The coin that fees are paid in. */
  readonly coin: string;
  /** Expected time between two blocks: how long to wait before looking again. */
  readonly blockMs: number;
  /** From this depth on a credited deposit is not looked at any more. */
  readonly finalDepth: number;
};

/** Ethereum finalises after two epochs of 32 slots; the others are given the same time in their own blocks. */
const table: Readonly<Record<ChainName, Chain>> = {
  ethereum: { name: 'ethereum', coin: 'ETH', blockMs: 12_000, finalDepth: 64 },
  bsc: { name: 'bsc', coin: 'BNB', blockMs: 3_000, finalDepth: 256 },
  polygon: { name: 'polygon', coin: 'POL', blockMs: 2_000, finalDepth: 384 },
};

/** Without a new block for so long a chain is not being read as it should. */
export const readDelayMaxMs = ({ blockMs }: Chain): number => Math.max(60_000, 10 * blockMs);

export const chainOf = (name: ChainName): Chain => table[name];

/** A token of the chain that is taken: its contract, and the asset that it is in our books. */
export type ListedToken = { readonly asset: string; readonly contract: string };

/** Problems of an allow-list as sentences: only assets of the asset table, of this chain, each contract and asset once. */
export function tokenListProblems(chain: ChainName, tokens: readonly ListedToken[]): string[] {
  const problems = tokens.flatMap(({ asset }) => {
    const known = assets.get(asset);
    if (known === undefined) return [`${asset} is no asset of the platform.`];
    if (known.network !== chain) return [`${asset} is not of the chain ${chain}.`];
    return known.code === table[chain].coin ? [`${asset} is the coin of ${chain} and has no contract.`] : [];
  });
  if (new Set(tokens.map(({ contract }) => contract.toLowerCase())).size < tokens.length)
    problems.push('A contract is listed twice.');
  if (new Set(tokens.map(({ asset }) => asset)).size < tokens.length)
    problems.push('An asset is listed twice.');
  return problems;
}
