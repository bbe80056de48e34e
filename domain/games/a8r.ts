/** The SOFTSWISS a8r dialects: their money, what makes two of their transactions the same, and what refusals are called. */
import type { FailureCode, Result } from '../failures.ts';
import { formatDecimal, parseDecimal, rescale, type Units } from '../money.ts';
import type { GameTransactionMeaning } from './fingerprint.ts';

/** Decimal places that a v2 amount can have. */
export const a8rScale = 12;

/** The form of a v2 amount: never a sign, an exponent or a bare point. */
export const a8rAmountForm = /^\d{1,18}(\.\d{1,12})?$/;

/** v2 amount to ledger units; exact. `amount-too-precise` where the asset's ledger is coarser than the text. */
export const fromA8rAmount = (text: string, ledgerScale: number): Result<Units> =>
  parseDecimal(text, ledgerScale);

/** Ledger units as a v2 balance: at most 12 decimals, rounded down, without trailing zeros. */
export const toA8rAmount = (units: Units, ledgerScale: number): string =>
  formatDecimal(rescale(units, ledgerScale, a8rScale), a8rScale);

type Scales = { readonly ledgerScale: number; readonly payableScale: number };

/** v1 amount (integer subunits, such as cents) to ledger units; exact. */
export const fromSubunits = (subunits: bigint, asset: Scales): Units =>
  rescale(subunits, asset.payableScale, asset.ledgerScale);

/** A decimal share of subunits in ledger units, rounded down; null where there is none. Information, never money. */
export function shareOfSubunits(text: string | null, { ledgerScale, payableScale }: Scales): Units | null {
  if (text === null) return null;
  const [whole = '0', fraction = ''] = text.split('.');
  const places = ledgerScale - payableScale;
  return BigInt(whole + fraction.slice(0, places).padEnd(places, '0'));
}

/** Ledger units as a v1 balance, rounded down: the wire never shows more than there is. */
export const toSubunits = (units: Units, asset: Scales): bigint =>
  rescale(units, asset.ledgerScale, asset.payableScale);

/** In these dialects a repeat is another transaction only when its kind or its player differs. */
export const a8rMeaning = (
  kind: GameTransactionMeaning['kind'],
  playerId: string,
): GameTransactionMeaning => ({
  kind,
  playerId,
  game: '',
  round: '',
  asset: '',
  amount: 0n,
  reference: null,
});

/** The codes of both versions; 105 and 107 are words of v1 only. Its 153 (country) is never said: decision 0042. */
export type A8rCode = 100 | 101 | 105 | 106 | 107 | 110 | 154 | 400 | 403 | 409 | 500;

export const a8rMessages: Readonly<Record<A8rCode, string>> = {
  100: 'Not enough funds',
  101: 'Player is invalid',
  105: 'Player reached customized bet limit',
  106: 'Bet exceeded max bet limit',
  107: 'Game is forbidden to the player',
  110: 'Player is disabled',
  154: 'Currency is not allowed for the player',
  400: 'Bad request',
  403: 'Forbidden',
  409: 'The id was used with another type or by another player',
  500: 'Internal error',
};

/** The code of a refusal, in the words that both versions have. What has no meaning of its own is 500. */
export function a8rCodeOf(code: FailureCode): A8rCode {
  switch (code) {
    case 'insufficient-funds':
      return 100;
    case 'wallet-not-found':
      return 101;
    case 'play-limit-exceeded':
      return 105;
    case 'bonus-bet-too-large':
    case 'stake-too-large':
      return 106;
    case 'unknown-game':
      return 107;
    case 'player-blocked':
    case 'self-excluded':
    case 'session-expired':
      return 110;
    case 'unsupported-asset':
    case 'unknown-asset':
      return 154;
    case 'malformed-json':
    case 'invalid-request':
    case 'amount-too-precise':
    case 'body-too-large':
    case 'unsupported-media-type':
    case 'method-not-allowed':
    case 'not-found':
    case 'transaction-not-found':
      return 400;
    case 'invalid-signature':
      return 403;
    case 'duplicate-transaction':
    case 'transaction-rolled-back':
    case 'stake-returned':
      return 409;
    default:
      return 500;
  }
}

/** v2 has no words for a personal limit, a forbidden game: the nearest that it has. */
export function a8rV2CodeOf(code: FailureCode): Exclude<A8rCode, 105 | 107> {
  const general = a8rCodeOf(code);
  if (general === 105) return 106;
  return general === 107 ? 400 : general;
}

/** v1 has no word for an id used twice: it is a request that cannot be right. */
export function a8rV1CodeOf(code: FailureCode): Exclude<A8rCode, 409> {
  const general = a8rCodeOf(code);
  return general === 409 ? 400 : general;
}
