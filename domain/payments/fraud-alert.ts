/**
 * A report of fraud on a charge (Visa TC40, Mastercard SAFE; early fraud warning, notification of fraud). It moves no
 * money and takes no answer: whoever refunds in time may be spared the chargeback. How a report stands follows from what
 * became of its charge, so that no step of a refund or dispute has to know of it.
 */
import type { MoneyText } from '../money.ts';

export const fraudAlertStates = ['open', 'refunding', 'refunded', 'disputed', 'dismissed'] as const;
export type FraudAlertState = (typeof fraudAlertStates)[number];

/** Kept with each row, so that a later term leaves earlier ones as they were. */
export const fraudAlertTerm = {
  answerWithinHours: 72,
  reason:
    'No scheme sets a deadline for a fraud report. Services that hold a dispute back for a refund give 24 to 72 hours (trade knowledge, to be checked with the acquirer).',
} as const;

/** What a PSP answers when it is asked about a report. */
export type FraudAlertTold = {
  readonly kind: 'told';
  /** The PSP's own word for the kind of fraud; null where it says none. */
  readonly fraudType: string | null;
  /** False once the charge was refunded or disputed; null where the PSP does not say. */
  readonly isActionable: boolean | null;
  /** Null where the report names no amount: it is then about the whole charge. */
  readonly money: MoneyText | null;
};

export type FraudAlertOutcome = FraudAlertTold | { readonly kind: 'unknown'; readonly reason: string };

/** What became of the charge that a report is about. */
export type ReportedCharge = {
  /** Of its deposit, at whatever stage but an inquiry, and however it ended. */
  readonly hasChargeback: boolean;
  /** Of the refund with which a person accepted the report. */
  readonly refund: 'none' | 'under-way' | 'paid' | 'failed';
  /** By refunds that reached the player, whoever asked for them. */
  readonly isPaidBack: boolean;
};

export const isFraudAlertOver = (state: FraudAlertState): boolean =>
  state === 'refunded' || state === 'disputed' || state === 'dismissed';

/**
 * Where a report stands, given what became of its charge. A refund that fails or comes back opens it again; a person's
 * dismissal and a chargeback are final.
 */
export function stepFraudAlert(state: FraudAlertState, charge: ReportedCharge): FraudAlertState {
  if (state === 'disputed' || state === 'dismissed') return state;
  const isPaid = charge.isPaidBack || charge.refund === 'paid';
  if (state === 'refunded' && isPaid) return state;
  if (charge.hasChargeback) return 'disputed';
  if (isPaid) return 'refunded';
  return charge.refund === 'under-way' ? 'refunding' : 'open';
}
