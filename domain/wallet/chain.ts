/** What an entry's hash covers, so that anyone can recompute a player's chain from an export. */
import type { Units } from '../money.ts';

export type ChainedEntry = {
  readonly journalId: string;
  readonly playerId: string;
  readonly asset: string;
  readonly account: string;
  readonly seq: bigint;
  readonly amount: Units;
  readonly balanceAfter: Units;
};

/**
 * The canonical text of a chained entry: fields in fixed order, one per line, after the previous hash in hex
 * (empty for the first). SHA-256 over its UTF-8 bytes is the entry's hash.
 */
export const chainText = (previousHex: string, entry: ChainedEntry): string =>
  `${previousHex}\n${entry.journalId}\n${entry.playerId}\n${entry.asset}\n${entry.account}\n${entry.seq}\n${entry.amount}\n${entry.balanceAfter}`;
