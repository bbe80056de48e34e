/** What may be asked of a wallet. Every game dialect and every payment activity speaks these words. */
import type { BookCommand } from './book-commands.ts';
import type { Units } from '../money.ts';

/** A money id is processed once per integration, for ever. */
export type CommandKey = { readonly integration: string; readonly externalId: string };

type GameFacts = {
  readonly key: CommandKey;
  readonly playerId: string;
  readonly asset: string;
  readonly game: string;
  readonly round: string;
  readonly roundClosed: boolean;
  /** Hex SHA-256 over the fields that make a repeat "the same". */
  readonly fingerprint: string;
};

export type BetCommand = GameFacts & {
  readonly kind: 'bet';
  readonly amount: Units;
  readonly sessionIssuedAtMs: number;
  readonly sessionExpiresAtMs: number;
  /** Share of the stake that counts toward wagering, in basis points. */
  readonly contributionBps: number;
  /** The round is asked about when it is still open after this time. */
  readonly guardMs: number;
  /** Where the dialect wants it, a late original that meets its own rollback is answered as done and moves nothing. */
  readonly tolerateTombstone?: boolean;
};

export type WinCommand = GameFacts & {
  readonly kind: 'win';
  readonly amount: Units;
  /** The bet that it answers; null where a dialect allows a win without one. */
  readonly betExternalId: string | null;
  readonly guardMs: number;
  readonly tolerateTombstone?: boolean;
};

export type RollbackCommand = GameFacts & {
  readonly kind: 'rollback';
  /** The bet or win to undo. */
  readonly originalExternalId: string;
  readonly guardMs: number;
};

export type GameCommand = BetCommand | WinCommand | RollbackCommand;

/** Journal codes that activities may ask for, with what each needs to know. */
export type Transfer =
  | { readonly code: 'deposit.capture'; readonly psp: string }
  | { readonly code: 'withdrawal.reserve' }
  | { readonly code: 'withdrawal.settle'; readonly psp: string }
  | { readonly code: 'withdrawal.release' }
  | {
      readonly code: 'bonus.award';
      readonly awardId: string;
      readonly wagering: Units;
      readonly betMax: Units | null;
      readonly expiresAtMs: number;
    }
  | { readonly code: 'bonus.convert'; readonly awardId: string }
  | { readonly code: 'bonus.forfeit'; readonly awardId: string };

export type TransferCommand = {
  readonly kind: 'transfer';
  readonly key: CommandKey;
  readonly playerId: string;
  readonly asset: string;
  readonly amount: Units;
  readonly fingerprint: string;
  /** `{noun}:{id}` of the payment or award behind it. */
  readonly subject: string;
  readonly transfer: Transfer;
};

export type WalletCommand = GameCommand | TransferCommand | BookCommand;

/** Journals that a decision may need to see: its own key's and that of the journal it refers to. */
export function referencedExternalId(command: WalletCommand): string | null {
  switch (command.kind) {
    case 'bet':
    case 'transfer':
    case 'book-stake':
    case 'book-pay':
      return null;
    case 'win':
      return command.betExternalId;
    case 'rollback':
      return command.originalExternalId;
  }
}
