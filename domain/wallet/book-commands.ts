/** What the sportsbook asks of a wallet: to take a stake, and to pay or take back what a result makes of it. */
import type { Units } from '../money.ts';

type BookFacts = {
  /** `bet:{id}:stake`, `bet:{id}:settle:v{n}` or `bet:{id}:cash-out`; unique for ever. */
  readonly key: { readonly integration: string; readonly externalId: string };
  readonly playerId: string;
  readonly asset: string;
  /** Hex SHA-256 over the fields that make a repeat "the same". */
  readonly fingerprint: string;
  /** `bet:{id}`: all journals of a bet are found by it. */
  readonly subject: string;
};

export type BookStakeCommand = BookFacts & {
  readonly kind: 'book-stake';
  readonly amount: Units;
  readonly sessionIssuedAtMs: number;
  readonly sessionExpiresAtMs: number;
};

export type BookPayCode = 'book.settle' | 'book.void' | 'book.correct' | 'book.cash-out';

export type BookPayCommand = BookFacts & {
  readonly kind: 'book-pay';
  readonly code: BookPayCode;
  /** What should be paid less what was paid: below zero only in a correction, zero only where `wasVoid` and `isVoid` differ. */
  readonly delta: Units;
  readonly stake: Units;
  readonly placedAtMs: number;
  /** When the bet was settled first, to which all corrections belong; null for the first settlement. */
  readonly settledAtMs: number | null;
  /** A void bet has counted as no stake. */
  readonly wasVoid: boolean;
  readonly isVoid: boolean;
  /** The journal of the bet's stake. */
  readonly answers: string;
};

export type BookCommand = BookStakeCommand | BookPayCommand;
