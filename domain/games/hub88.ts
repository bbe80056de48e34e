/** The Hub88 seamless-wallet dialect: its statuses (Caleta's too), its money and what makes two of its transactions the same. */
import { rescale, type Units } from '../money.ts';
import type { FailureCode } from '../failures.ts';

export const hub88Statuses = [
  'RS_OK',
  'RS_ERROR_UNKNOWN',
  'RS_ERROR_INVALID_PARTNER',
  'RS_ERROR_INVALID_TOKEN',
  'RS_ERROR_TOKEN_EXPIRED',
  'RS_ERROR_INVALID_GAME',
  'RS_ERROR_WRONG_CURRENCY',
  'RS_ERROR_NOT_ENOUGH_MONEY',
  'RS_ERROR_LIMIT_REACHED',
  'RS_ERROR_BET_LIMIT_EXCEEDED',
  'RS_ERROR_USER_DISABLED',
  'RS_ERROR_INVALID_SIGNATURE',
  'RS_ERROR_WRONG_SYNTAX',
  'RS_ERROR_WRONG_TYPES',
  'RS_ERROR_DUPLICATE_TRANSACTION',
  'RS_ERROR_TRANSACTION_DOES_NOT_EXIST',
  'RS_ERROR_TRANSACTION_ROLLED_BACK',
] as const;
export type Hub88Status = (typeof hub88Statuses)[number];

/** Decimal places of an amount on this wire: units × 100 000. */
export const hub88Scale = 5;

/** Wire amount to ledger units; exact, since every ledger scale is finer. */
export const fromHub88Amount = (amount: bigint, ledgerScale: number): Units =>
  rescale(amount, hub88Scale, ledgerScale);

/** Ledger units to a wire balance, rounded down: the wire never shows more than there is. */
export const toHub88Amount = (units: Units, ledgerScale: number): bigint =>
  rescale(units, ledgerScale, hub88Scale);

/**
 * Status for a refusal. Anything without a meaning of its own is `RS_ERROR_UNKNOWN`, after which the caller assumes
 * that a bet may have been applied and rolls it back. `limitStatus` is the dialect's own word for a limit.
 */
export function hub88StatusOf(
  code: FailureCode,
  limitStatus: Hub88Status = 'RS_ERROR_LIMIT_REACHED',
): Hub88Status {
  switch (code) {
    case 'insufficient-funds':
      return 'RS_ERROR_NOT_ENOUGH_MONEY';
    case 'play-limit-exceeded':
    case 'bonus-bet-too-large':
    case 'stake-too-large':
      return limitStatus;
    case 'player-blocked':
    case 'self-excluded':
      return 'RS_ERROR_USER_DISABLED';
    case 'session-expired':
      return 'RS_ERROR_TOKEN_EXPIRED';
    case 'game-session-invalid':
    case 'wallet-not-found':
      return 'RS_ERROR_INVALID_TOKEN';
    case 'unknown-game':
      return 'RS_ERROR_INVALID_GAME';
    case 'unsupported-asset':
    case 'unknown-asset':
      return 'RS_ERROR_WRONG_CURRENCY';
    case 'duplicate-transaction':
      return 'RS_ERROR_DUPLICATE_TRANSACTION';
    case 'transaction-not-found':
      return 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST';
    case 'transaction-rolled-back':
    case 'stake-returned':
      return 'RS_ERROR_TRANSACTION_ROLLED_BACK';
    case 'invalid-signature':
      return 'RS_ERROR_INVALID_SIGNATURE';
    case 'malformed-json':
    case 'invalid-request':
    case 'body-too-large':
    case 'unsupported-media-type':
    case 'method-not-allowed':
    case 'not-found':
      return 'RS_ERROR_WRONG_SYNTAX';
    default:
      return 'RS_ERROR_UNKNOWN';
  }
}
