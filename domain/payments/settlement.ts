/** A PSP's settlement file in our words, and what a line of it must agree with: three ways of telling the same money. */
import { fromMinorUnits, type Units } from '../money.ts';

export const settlementKinds = [
  'charge',
  'refund',
  'dispute',
  'dispute-reversal',
  'payout',
  'bank-payout',
  'other',
] as const;
export type SettlementKind = (typeof settlementKinds)[number];

/** PSPs whose settlement files we read; days of others have none to compare with. */
export const settlingPsps = ['alpha', 'beta', 'gamma'] as const;

/** PSPs whose files name the charge that is disputed, not the dispute (Checkout.com). */
export const namesDisputesByCharge = (psp: string): boolean => psp === 'gamma';

export type SettlementLine = {
  /** The PSP's own name of the movement, unique for ever. */
  readonly naturalKey: string;
  readonly kind: SettlementKind;
  readonly pspReference: string;
  /** The PSP's name of the capture that the line is about, where the file names it. */
  readonly captureReference?: string | null;
  /** Ours, null where the file names none. */
  readonly reference: string | null;
  readonly asset: string;
  /** Units at ledger scale, signed as the PSP's balance moves. */
  readonly gross: Units;
  /** Units at ledger scale, zero or positive; leaves the balance, too. */
  readonly fee: Units;
};

export const breakKinds = [
  'missing',
  'extra',
  'amount',
  'currency',
  'fee',
  'duplicate',
  'unbooked',
  'restated',
  'bank',
] as const;
export type BreakKind = (typeof breakKinds)[number];

/** What we know of the movement that a line is about. */
export type KnownMovement = {
  /** `{noun}:{id}`. */
  readonly subject: string;
  readonly asset: string;
  /** Units, signed as the PSP's balance moves. */
  readonly gross: Units;
  /** A journal of ours has booked it. */
  readonly isBooked: boolean;
};

export type FeeTerm = { readonly bps: number; readonly fixedMinor: bigint };

export type LineBreak = {
  readonly kind: BreakKind;
  readonly expected: Units | null;
  readonly found: Units | null;
};

/** What a PSP may take for a movement: basis points of it, rounded down to a minor unit, and a fixed amount. */
export function expectedFee(gross: Units, asset: string, term: FeeTerm): Units {
  const minor = fromMinorUnits(1n, asset);
  const amount = gross < 0n ? -gross : gross;
  return ((amount * BigInt(term.bps)) / 10_000n / minor + term.fixedMinor) * minor;
}

/** A fee in basis points of its amount, rounded up, so that of two fees the larger is never the smaller figure. */
export const feeBps = (amount: Units, fee: Units): bigint => (fee * 10_000n + amount - 1n) / amount;

/** Every way in which one line disagrees with what we know; nothing for a line that agrees. */
export function breaksOfLine(
  line: SettlementLine,
  known: KnownMovement | null,
  term: FeeTerm | null,
  wasToldBefore: boolean,
): readonly LineBreak[] {
  if (wasToldBefore) return [{ kind: 'duplicate', expected: 0n, found: line.gross }];
  if (line.kind === 'bank-payout') return [];
  if (known === null) return [{ kind: 'extra', expected: null, found: line.gross }];
  const breaks: LineBreak[] = [];
  if (known.asset !== line.asset) breaks.push({ kind: 'currency', expected: known.gross, found: line.gross });
  else if (known.gross !== line.gross)
    breaks.push({ kind: 'amount', expected: known.gross, found: line.gross });
  if (!known.isBooked) breaks.push({ kind: 'unbooked', expected: null, found: line.gross });
  const fee = term === null ? null : expectedFee(line.gross, line.asset, term);
  if (fee !== null && fee !== line.fee) breaks.push({ kind: 'fee', expected: fee, found: line.fee });
  return breaks;
}
