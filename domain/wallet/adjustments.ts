/** Manual corrections: the closed list of reasons, and the text that an approval is bound to. */
import type { Units } from '../money.ts';

export const adjustmentStates = ['requested', 'posted', 'refused'] as const;
export type AdjustmentState = (typeof adjustmentStates)[number];

export const adjustmentDirections = ['credit', 'debit'] as const;
export type AdjustmentDirection = (typeof adjustmentDirections)[number];

export type AdjustmentReason = {
  readonly code: string;
  /** What the player reads in the statement. */
  readonly title: string;
  readonly directions: readonly AdjustmentDirection[];
  /** A debit that cash does not cover may leave a debt; without it such a debit is refused. */
  readonly mayOwe: boolean;
};

/** The reasons as data; the same rows are in `wallet.adjustment_reason`, and a test holds one against the other. */
export const adjustmentReasons = [
  { code: 'goodwill', title: 'Goodwill', directions: ['credit'], mayOwe: false },
  {
    code: 'error-correction',
    title: 'Correction of an error',
    directions: ['credit', 'debit'],
    mayOwe: true,
  },
  {
    code: 'game-correction',
    title: 'Correction of a game result',
    directions: ['credit', 'debit'],
    mayOwe: true,
  },
  { code: 'payment-correction', title: 'Correction of a payment', directions: ['credit'], mayOwe: false },
  { code: 'complaint-settlement', title: 'Settlement of a complaint', directions: ['credit'], mayOwe: false },
  { code: 'debt-write-off', title: 'A debt written off', directions: ['credit'], mayOwe: false },
  { code: 'residue-write-off', title: 'A rest too small to pay', directions: ['debit'], mayOwe: false },
  { code: 'fraud-recovery', title: 'Recovery after fraud', directions: ['debit'], mayOwe: true },
] as const satisfies readonly AdjustmentReason[];

export type AdjustmentReasonCode = (typeof adjustmentReasons)[number]['code'];

const reasons: ReadonlyMap<string, AdjustmentReason> = new Map(
  adjustmentReasons.map((reason) => [reason.code, reason]),
);

/** The reason by its code, null for a code that is not in the list. */
export const adjustmentReasonOf = (code: string): AdjustmentReason | null => reasons.get(code) ?? null;

/** The text whose SHA-256 a decision is bound to: what was shown is what is posted. */
export const adjustmentContent = (adjustment: {
  readonly id: string;
  readonly playerId: string;
  readonly asset: string;
  readonly direction: AdjustmentDirection;
  readonly amount: Units;
  readonly reasonCode: string;
  readonly note: string;
}): string =>
  [
    'adjustment',
    adjustment.id,
    adjustment.playerId,
    adjustment.asset,
    adjustment.direction,
    adjustment.amount.toString(),
    adjustment.reasonCode,
    adjustment.note,
  ].join('\n');
