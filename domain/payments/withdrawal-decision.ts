/** What a withdrawal needs before it is paid: nothing, approvals, or a refusal. */
import { assertNever } from '../failures.ts';
import type { Units } from '../money.ts';
import type { PlannedLeg } from './payout-plan.ts';

export const withdrawalStates = [
  'requested',
  'checking',
  'awaiting-approval',
  'approved',
  'submitted',
  'paid',
  'partly-paid',
  'refused',
  'cancelled',
  'forfeited',
  'parked',
] as const;

export type WithdrawalState = (typeof withdrawalStates)[number];

export const depositStates = [
  'requested',
  'processing',
  'awaiting-action',
  'authorised',
  'captured',
  'failed',
  'parked',
] as const;

export type DepositState = (typeof depositStates)[number];

export type WithdrawalFacts = {
  readonly amount: Units;
  /** Highest amount of the jurisdiction's auto-approve band; zero means that a person always decides. */
  readonly autoApproveMax: Units;
  readonly approvalsRequired: number;
  readonly isIdentityVerified: boolean;
  readonly hasPendingWagering: boolean;
  /** Every card that would be paid to has paid in at least once. */
  readonly hasDeposited: boolean;
  /** Winnings would be paid somewhere while deposits of another source wait for their way back. */
  readonly skipsSources: boolean;
};

export type WithdrawalCheck =
  | { readonly kind: 'refuse'; readonly reason: string }
  | { readonly kind: 'pass'; readonly approvals: number; readonly reasons: readonly string[] };

/**
 * Closed loop: the plan sends money back to where it came from up to the net deposits. Where it cannot, because a card
 * has expired or a deposit was taken back since, a person decides.
 */
export function checkWithdrawal(facts: WithdrawalFacts): WithdrawalCheck {
  if (facts.hasPendingWagering) return { kind: 'refuse', reason: 'wagering-pending' };
  if (!facts.isIdentityVerified) return { kind: 'refuse', reason: 'identity-not-verified' };
  if (!facts.hasDeposited) return { kind: 'refuse', reason: 'closed-loop' };
  const reasons = [
    ...(facts.amount > facts.autoApproveMax ? ['above-auto-approve'] : []),
    ...(facts.skipsSources ? ['closed-loop'] : []),
  ];
  return { kind: 'pass', approvals: reasons.length > 0 ? facts.approvalsRequired : 0, reasons };
}

export type RiskOutcome = 'accept' | 'review' | 'refuse';

/** Risk can only add to what the checks ask for. */
export function withRisk(
  check: WithdrawalCheck,
  approvalsRequired: number,
  outcome: RiskOutcome,
  reasons: readonly string[],
): WithdrawalCheck {
  if (check.kind === 'refuse') return check;
  switch (outcome) {
    case 'accept':
      return check;
    case 'review':
      return {
        kind: 'pass',
        approvals: Math.max(approvalsRequired, check.approvals),
        reasons: [...check.reasons, ...reasons],
      };
    case 'refuse':
      return { kind: 'refuse', reason: 'risk' };
    default:
      return assertNever(outcome);
  }
}

export type Decision = { readonly operatorId: string; readonly decision: 'approve' | 'refuse' };

/** One refusal ends it; approvals count once per person. */
export function tallyDecisions(
  required: number,
  decisions: readonly Decision[],
): 'refused' | 'approved' | 'open' {
  if (decisions.some(({ decision }) => decision === 'refuse')) return 'refused';
  return new Set(decisions.map(({ operatorId }) => operatorId)).size >= required ? 'approved' : 'open';
}

/** The text whose SHA-256 an approval is bound to. */
export const approvedContent = (withdrawal: {
  readonly id: string;
  readonly playerId: string;
  readonly asset: string;
  readonly amount: Units;
  readonly instrumentId: string;
  readonly legs: readonly PlannedLeg[];
}): string =>
  [
    'withdrawal/2',
    withdrawal.id,
    withdrawal.playerId,
    withdrawal.asset,
    withdrawal.amount.toString(),
    // Also where a leg goes that its own instrument does not take.
    withdrawal.instrumentId,
    ...withdrawal.legs.map(
      (leg) =>
        `${leg.leg} ${leg.instrumentId} ${leg.amount} ${leg.fee}${leg.depositId === null ? '' : ` ${leg.depositId}`}`,
    ),
  ].join('\n');
