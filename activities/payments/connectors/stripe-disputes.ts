/** Disputes in Stripe's words: the object is asked again, and its balance transactions say what money moved. */
import type Stripe from 'stripe';
import type {
  DisputeAnswer,
  DisputeMovement,
  DisputePlace,
  DisputeTold,
} from '#domain/payments/dispute-state.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import type { PspDisputes } from '../connectors.ts';
import { fromMinorNumber } from './minor-units.ts';

type Failed = (error: unknown) => Extract<PspOutcome, { kind: 'declined' | 'not_sent' | 'unknown' }>;

export function stripeDisputes(stripe: Stripe, failed: Failed): PspDisputes {
  const answered = async (call: () => Promise<unknown>): Promise<DisputeAnswer> => {
    try {
      await call();
      return { kind: 'taken' };
    } catch (error) {
      const outcome = failed(error);
      if (outcome.kind === 'declined') return { kind: 'refused', rawCode: outcome.rawCode };
      const refused = /^request refused \((.+)\)$/.exec(outcome.reason)?.[1];
      return refused === undefined
        ? { kind: outcome.kind, reason: outcome.reason }
        : { kind: 'refused', rawCode: refused };
    }
  };
  return {
    dispute: async ({ pspReference }) => {
      try {
        return toldBy(await stripe.disputes.retrieve(pspReference));
      } catch (error) {
        const outcome = failed(error);
        return { kind: 'unknown', reason: outcome.kind === 'declined' ? outcome.rawCode : outcome.reason };
      }
    },
    submitEvidence: ({ pspReference, key }, text) =>
      answered(() =>
        stripe.disputes.update(
          pspReference,
          { evidence: { uncategorized_text: text }, submit: true },
          { idempotencyKey: key },
        ),
      ),
    acceptDispute: ({ pspReference, key }) =>
      answered(() => stripe.disputes.close(pspReference, {}, { idempotencyKey: key })),
  };
}

function toldBy(dispute: Stripe.Dispute): DisputeTold | { kind: 'unknown'; reason: string } {
  const place = placeOf(dispute.status);
  if (place === null) return { kind: 'unknown', reason: 'unknown status' };
  const dueS = dispute.evidence_details.due_by;
  const movements = dispute.balance_transactions
    .toSorted((a, b) => a.created - b.created || (a.amount < b.amount ? -1 : 1))
    .flatMap(({ id, amount, currency }): DisputeMovement[] =>
      amount === 0
        ? []
        : [
            {
              reference: id,
              kind: amount < 0 ? 'withdrawn' : 'reinstated',
              money: fromMinorNumber(Math.abs(amount), currency),
            },
          ],
    );
  return {
    kind: 'told',
    ...place,
    reason: dispute.reason,
    evidenceDueAt: dueS === null ? null : new Date(dueS * 1_000).toISOString(),
    money: fromMinorNumber(dispute.amount, dispute.currency),
    movements,
  };
}

function placeOf(status: Stripe.Dispute.Status): DisputePlace | null {
  switch (status) {
    case 'warning_needs_response':
      return { stage: 'inquiry', status: 'needs-response' };
    case 'warning_under_review':
      return { stage: 'inquiry', status: 'under-review' };
    case 'warning_closed':
    case 'prevented':
      return { stage: 'inquiry', status: 'closed' };
    case 'needs_response':
      return { stage: 'chargeback', status: 'needs-response' };
    case 'under_review':
      return { stage: 'chargeback', status: 'under-review' };
    case 'appeal_needs_response':
      return { stage: 'second-chargeback', status: 'needs-response' };
    case 'appeal_under_review':
      return { stage: 'second-chargeback', status: 'under-review' };
    case 'won':
      return { stage: 'chargeback', status: 'won' };
    case 'lost':
      return { stage: 'chargeback', status: 'lost' };
    // A status of a later API version proves nothing.
    default:
      return null;
  }
}
