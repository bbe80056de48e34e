/** What may be asked of a wallet. Every game dialect and every payment activity speaks these words. */
import { assertNever } from '../failures.ts';
import type { Units } from '../money.ts';
import type { BookCommand } from './book-commands.ts';
import type { HoldTarget } from './chart.ts';
import type { Rate } from './exchange-rate.ts';
import type { FreeWin } from './free-play.ts';
import type { JackpotShare, JackpotWin } from './jackpots.ts';
import type { JournalDetails } from './journal-details.ts';
import type { StakeCap } from './stake-caps.ts';

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
  /** UUID of the network call, where the dialect has one: a call takes effect once, whatever it names. */
  readonly callId?: string | null;
  /** What is kept beside the journal. */
  readonly details?: JournalDetails | null;
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
  /** False for a game that is withdrawn: no new stake, while repeats are still answered. */
  readonly isGameOpen?: boolean;
  /** Paid by a promotion: `amount` is zero, and limits of the player's own money do not hold. */
  readonly isFree?: boolean;
  readonly stakeCaps?: readonly StakeCap[];
  /** The pool of ours that the game feeds. */
  readonly jackpotShare?: JackpotShare | null;
};

export type WinCommand = GameFacts & {
  readonly kind: 'win';
  readonly amount: Units;
  /** The bet that it answers; null where a dialect allows a win without one. */
  readonly betExternalId: string | null;
  readonly guardMs: number;
  readonly tolerateTombstone?: boolean;
  /** Set for winnings of free rounds and promotions. */
  readonly free?: FreeWin | null;
  readonly jackpotWin?: JackpotWin | null;
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
  /** `first` is the external id of the deposit's first capture, for one that adds to it. */
  | { readonly code: 'deposit.capture'; readonly psp: string; readonly first?: string }
  | { readonly code: 'withdrawal.reserve' }
  | { readonly code: 'withdrawal.settle'; readonly psp: string }
  | { readonly code: 'withdrawal.release' }
  | { readonly code: 'withdrawal.fee' }
  | { readonly code: 'withdrawal.return'; readonly psp: string }
  /** By order of a court or an authority of the jurisdiction. */
  | { readonly code: 'withdrawal.forfeit'; readonly jurisdiction: string }
  | {
      readonly code: 'bonus.award';
      readonly awardId: string;
      readonly wagering: Units;
      readonly betMax: Units | null;
      readonly expiresAtMs: number;
    }
  | { readonly code: 'bonus.convert'; readonly awardId: string }
  | { readonly code: 'bonus.forfeit'; readonly awardId: string }
  | { readonly code: 'hold.place' }
  | { readonly code: 'hold.capture'; readonly to: HoldTarget }
  | { readonly code: 'hold.release' }
  /** `capture` is the external id of the deposit's first capture, such as `deposit:{id}:capture`. */
  | { readonly code: 'deposit.refund'; readonly capture: string }
  /** `refund` is the external id of the refund's journal; the whole amount of it goes back. */
  | { readonly code: 'deposit.refund-return'; readonly refund: string }
  | { readonly code: 'chargeback.open'; readonly capture: string }
  /** `opened` is the external id of the chargeback's opening; the whole amount of it moves. */
  | { readonly code: 'chargeback.lose'; readonly opened: string }
  | { readonly code: 'chargeback.win'; readonly opened: string }
  /** Without `mayOwe` a debit that cash does not cover is refused; with it the rest becomes a debt. */
  | { readonly code: 'adjustment.post'; readonly direction: 'credit' | 'debit'; readonly mayOwe: boolean };

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

/** Money of one asset given for money of another one, of the same player. It concerns two wallets. */
export type ExchangeCommand = {
  readonly kind: 'exchange';
  readonly key: CommandKey;
  readonly playerId: string;
  /** The sold asset. */
  readonly asset: string;
  readonly boughtAsset: string;
  /** Units of the sold asset. */
  readonly amount: Units;
  /** Whole units bought for one whole unit sold. */
  readonly rate: Rate;
  readonly fingerprint: string;
  readonly subject: string;
};

/** Journals that a decision may need to see: its own key's and that of the journal it refers to. */
export function referencedExternalId(command: WalletCommand): string | null {
  switch (command.kind) {
    case 'bet':
    case 'book-stake':
    case 'book-pay':
      return null;
    case 'transfer':
      return originalOf(command.transfer);
    case 'win':
      return command.betExternalId;
    case 'rollback':
      return command.originalExternalId;
  }
}

/** The journal of ours that a transfer answers, by its external id. */
function originalOf(transfer: Transfer): string | null {
  switch (transfer.code) {
    case 'deposit.refund':
    case 'chargeback.open':
      return transfer.capture;
    case 'deposit.refund-return':
      return transfer.refund;
    case 'chargeback.lose':
    case 'chargeback.win':
      return transfer.opened;
    case 'deposit.capture':
      return transfer.first ?? null;
    case 'withdrawal.reserve':
    case 'withdrawal.settle':
    case 'withdrawal.release':
    case 'withdrawal.fee':
    case 'withdrawal.return':
    case 'withdrawal.forfeit':
    case 'bonus.award':
    case 'bonus.convert':
    case 'bonus.forfeit':
    case 'hold.place':
    case 'hold.capture':
    case 'hold.release':
    case 'adjustment.post':
      return null;
    default:
      return assertNever(transfer);
  }
}
