/**
 * Disputes in Checkout.com's words. The dispute itself is asked again and names one status, no movements of funds: what
 * moved follows from the status, because each says whether the account was debited or credited on the way to it.
 */
import { z } from 'zod';
import type {
  DisputeAnswer,
  DisputeMovement,
  DisputePlace,
  DisputeTold,
} from '#domain/payments/dispute-state.ts';
import type { MoneyText } from '#domain/money.ts';
import type { PspDisputes } from '../connectors.ts';
import { CheckoutRefusal, type CheckoutClient } from './checkout-client.ts';
import { fromMinorNumber } from './minor-units.ts';

type Failed = (error: unknown) => { readonly kind: 'not_sent' | 'unknown'; readonly reason: string };

const answer = z.object({
  id: z.string().max(100),
  status: z.string().max(60),
  amount: z.int().nonnegative(),
  currency: z.string().length(3),
  category: z.string().max(60).optional(),
  reason_code: z.string().max(40).optional(),
  evidence_required_by: z.string().max(40).optional(),
});

type Step = 'chargeback' | 'reversal' | 'arbitration' | 'arbitration-reversal';

type Meaning = DisputePlace & {
  /**
   * Taking and giving back alternate, so `arbitration` is booked only where the chargeback had been given back before:
   * without a win in between the money was out all the time.
   */
  readonly moved: readonly Step[];
};

const meanings: Readonly<Record<string, Meaning>> = {
  evidence_required: { stage: 'chargeback', status: 'needs-response', moved: ['chargeback'] },
  evidence_under_review: { stage: 'chargeback', status: 'under-review', moved: ['chargeback'] },
  won: { stage: 'chargeback', status: 'won', moved: ['chargeback', 'reversal'] },
  // Taken back by the issuer: what was debited is credited, as after a win.
  canceled: { stage: 'chargeback', status: 'won', moved: ['chargeback', 'reversal'] },
  lost: { stage: 'chargeback', status: 'lost', moved: ['chargeback'] },
  expired: { stage: 'chargeback', status: 'lost', moved: ['chargeback'] },
  accepted: { stage: 'chargeback', status: 'lost', moved: ['chargeback'] },
  // The payment had been refunded before: nothing moves.
  resolved: { stage: 'chargeback', status: 'closed', moved: [] },
  arbitration_under_review: {
    stage: 'second-chargeback',
    status: 'needs-response',
    moved: ['chargeback', 'arbitration'],
  },
  arb_evidence_submitted: {
    stage: 'second-chargeback',
    status: 'under-review',
    moved: ['chargeback', 'arbitration'],
  },
  arbitration_won: {
    stage: 'second-chargeback',
    status: 'won',
    moved: ['chargeback', 'arbitration-reversal'],
  },
  arbitration_lost: { stage: 'second-chargeback', status: 'lost', moved: ['chargeback', 'arbitration'] },
};

/** The longest text that an evidence field takes, in characters; more has to be a file, which is a person's work. */
export const evidenceTextMax = 500;

const answeredStatuses: ReadonlySet<string> = new Set(['evidence_under_review', 'arb_evidence_submitted']);

export function checkoutDisputes(client: CheckoutClient, failed: Failed): PspDisputes {
  const answered = async (call: () => Promise<DisputeAnswer>): Promise<DisputeAnswer> => {
    try {
      return await call();
    } catch (error) {
      const isRefused = error instanceof CheckoutRefusal && (error.status === 422 || error.status === 403);
      return isRefused && error.errorCode !== null
        ? { kind: 'refused', rawCode: error.errorCode }
        : failed(error);
    }
  };
  /** These calls take no key: what an earlier one has done is read from the dispute before anything is sent again. */
  const statusNow = async (id: string): Promise<string> => {
    const told = answer.safeParse(await client.dispute(id));
    return told.success ? told.data.status : 'unreadable';
  };

  return {
    dispute: async ({ pspReference }) => {
      try {
        return toldBy(await client.dispute(pspReference));
      } catch (error) {
        return { kind: 'unknown', reason: failed(error).reason };
      }
    },
    submitEvidence: ({ pspReference }, text) =>
      answered(async () => {
        if (text.length > evidenceTextMax) return { kind: 'refused', rawCode: 'evidence_text_too_long' };
        const status = await statusNow(pspReference);
        if (answeredStatuses.has(status)) return { kind: 'taken' };
        await client.provideEvidence(pspReference, { additional_evidence_text: text });
        await (status === 'arbitration_under_review'
          ? client.submitArbitrationEvidence(pspReference)
          : client.submitEvidence(pspReference));
        return { kind: 'taken' };
      }),
    acceptDispute: ({ pspReference }) =>
      answered(async () => {
        if ((await statusNow(pspReference)) !== 'accepted') await client.acceptDispute(pspReference);
        return { kind: 'taken' };
      }),
  };
}

function toldBy(told: unknown): DisputeTold | { kind: 'unknown'; reason: string } {
  const parsed = answer.safeParse(told);
  if (!parsed.success) return { kind: 'unknown', reason: 'unreadable answer' };
  const { id, status, amount, currency, category, reason_code, evidence_required_by } = parsed.data;
  const meaning = Object.hasOwn(meanings, status) ? meanings[status] : undefined;
  // A status of a later API version proves nothing.
  if (meaning === undefined) return { kind: 'unknown', reason: 'unknown status' };
  const money = fromMinorNumber(amount, currency);
  const dueMs = Date.parse(evidence_required_by ?? '');
  return {
    kind: 'told',
    stage: meaning.stage,
    status: meaning.status,
    reason: category ?? reason_code ?? null,
    evidenceDueAt: Number.isNaN(dueMs) ? null : new Date(dueMs).toISOString(),
    money,
    movements: meaning.moved.map((step) => movement(id, step, money)),
  };
}

const movement = (id: string, step: Step, money: MoneyText): DisputeMovement => ({
  reference: `${id}:${step}`,
  kind: step === 'chargeback' || step === 'arbitration' ? 'withdrawn' : 'reinstated',
  money,
});
