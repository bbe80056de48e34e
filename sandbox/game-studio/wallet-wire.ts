/** What the studio needs to know of a wallet dialect: where calls go, how they are written and signed, what an answer means. */
import type { Player, Round, TransactionKind, WalletTransaction } from './round-book.ts';

export const dialectNames = ['hub88', 'caleta', 'a8r-v2', 'a8r-v1'] as const;
export type DialectName = (typeof dialectNames)[number];

export interface WireRequest {
  /** Appended to the wallet's address. */
  path: string;
  /** The body, exactly as it is signed and sent. */
  text: string;
}

export interface ReadAnswer {
  /** The dialect's own word: `RS_…`, `OK`, or the number of an error. Undefined for what nobody can read. */
  status?: string;
  /** In the wire's smallest unit. */
  balance?: bigint;
  /** What must be the same in every answer to one call: the wallet's own ids. */
  receipt?: string;
  /** Of a call that rotates tokens. */
  token?: string;
}

/** Accepted and refused are final; after an unknown outcome the caller tries again or takes back. */
export type Verdict = 'accepted' | 'refused' | 'unknown';

/** The answers that the dialect's rules allow, by what was done. */
export interface WireWords {
  notEnough: readonly string[];
  /** A known id with another amount or round. */
  otherContent: readonly string[];
  /** A known id with another kind. */
  otherKind: readonly string[];
  /** A bet that arrives after its rollback. */
  lateBet: readonly string[];
  winBeforeBet: readonly string[];
  winOfRolledBackBet: readonly string[];
  rollbackOfRollback: readonly string[];
  forged: readonly string[];
  malformed: readonly string[];
}

export interface FreeRoundsResult {
  issueId: string;
  total: bigint;
}

export interface WalletWire {
  name: DialectName;
  walletUrl: string;
  /** One currency unit in the wire's smallest unit. */
  oneUnit: bigint;
  ok: string;
  /** Several transactions of one round in one call, all or none. */
  takesBatches: boolean;
  /** The call of a round's last transaction can say that it is the last; otherwise `finish` must. */
  closesInCall: boolean;
  words: WireWords;
  /** How an amount must not be written, and what may be answered. */
  oddAmounts: readonly (readonly [written: string, expected: readonly string[]])[];
  /** Headers that prove the sender; forged ones are made with a key that nobody was told. */
  proof(text: string | Buffer, forged?: boolean): Record<string, string>;
  balance(player: Player): WireRequest;
  /** Bets and wins, or rollbacks; one only where the dialect takes no batches. */
  transactions(round: Round, transactions: readonly WalletTransaction[]): WireRequest;
  /** A call that does nothing but end the round, where there is one. */
  finish?(round: Round): WireRequest;
  /** What a campaign of free rounds has won, where it is told as one sum. */
  freeRounds?(result: FreeRoundsResult): WireRequest;
  /** Asks who the player is, where that can be asked. */
  info?(player: Player): WireRequest;
  /** Asks for a new token, where tokens rotate. */
  check?(player: Player): WireRequest;
  read(http: number, text: string): ReadAnswer;
  verdict(kind: TransactionKind, status: string | undefined): Verdict;
}
