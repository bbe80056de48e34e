/** What makes a repeated money id the same transaction: any difference in these fields is another transaction. */
import type { Units } from '../money.ts';

export type GameTransactionMeaning = {
  readonly kind: 'bet' | 'win' | 'rollback';
  readonly playerId: string;
  readonly game: string;
  readonly round: string;
  readonly asset: string;
  /** Units at ledger scale; zero for rollbacks, which carry no amount. */
  readonly amount: Units;
  readonly reference: string | null;
};

/** The text whose SHA-256 is the fingerprint. */
export const fingerprintText = (meaning: GameTransactionMeaning): string =>
  [
    meaning.kind,
    meaning.playerId,
    meaning.game,
    meaning.round,
    meaning.asset,
    meaning.amount.toString(),
    meaning.reference ?? '',
  ].join('\n');
