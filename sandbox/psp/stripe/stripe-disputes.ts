/** /v1/disputes: the merchant reads a dispute, answers it with evidence, or closes it, which gives in. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import type { DisputeRow, MovementRow, PaymentRow } from '../tables.ts';
import { nested, text, textFields } from './form-encoding.ts';
import { listObject } from './stripe-objects.ts';
import { answerRead, answerWrite } from './stripe-requests.ts';

const seconds = (ms: number) => Math.floor(ms / 1000);

/** What Stripe charges for a chargeback, in minor units; it does not come back with a win. */
export const disputeFee = 1_500;

function statusOf({ stage, status }: DisputeRow): string {
  if (stage === 'inquiry') return status === 'closed' ? 'warning_closed' : `warning_${status}`;
  return stage === 'second' && (status === 'needs_response' || status === 'under_review')
    ? `appeal_${status}`
    : status;
}

const balanceTransaction = (movement: MovementRow, index: number) => {
  const sign = movement.kind === 'dispute' ? -1 : 1;
  const fee = movement.kind === 'dispute' && index === 0 ? disputeFee : 0;
  return {
    id: `txn_${movement.subject.slice(3)}${movement.id}`,
    object: 'balance_transaction',
    amount: sign * movement.amount,
    available_on: seconds(movement.at_ms),
    created: seconds(movement.at_ms),
    currency: movement.currency.toLowerCase(),
    description: movement.kind === 'dispute' ? 'Chargeback withdrawal' : 'Chargeback reversal',
    exchange_rate: null,
    fee,
    fee_details: [],
    net: sign * movement.amount - fee,
    reporting_category: movement.kind === 'dispute' ? 'dispute' : 'dispute_reversal',
    source: movement.subject,
    status: 'available',
    type: 'adjustment',
  };
};

export const disputeObject = (dispute: DisputeRow, payment: PaymentRow, psp: Psp) => ({
  id: dispute.id,
  object: 'dispute',
  amount: dispute.amount,
  balance_transactions: psp.disputes.movementsOf(dispute.id).map(balanceTransaction),
  charge: payment.charge_id,
  created: seconds(dispute.created_at_ms),
  currency: dispute.currency.toLowerCase(),
  enhanced_eligibility_types: [],
  evidence: dispute.evidence === null ? {} : (JSON.parse(dispute.evidence) as object),
  evidence_details: {
    due_by: seconds(dispute.due_ms),
    enhanced_eligibility: {},
    has_evidence: dispute.evidence !== null,
    past_due: dispute.due_ms < Date.now(),
    submission_count: dispute.responses,
  },
  is_charge_refundable: dispute.stage === 'inquiry',
  livemode: false,
  metadata: {},
  network_reason_code: '10.4',
  payment_intent: payment.id,
  payment_method_details: { type: 'card', card: { brand: 'visa', case_type: dispute.stage } },
  reason: dispute.reason,
  status: statusOf(dispute),
});

export function serveStripeDisputes(app: PartyApp, psp: Psp): void {
  const shown = (dispute: DisputeRow) => disputeObject(dispute, psp.payments.must(dispute.payment_id), psp);

  app.get('/v1/disputes', (c) =>
    answerRead(c, () =>
      listObject(
        '/v1/disputes',
        psp.disputes
          .list()
          .filter(({ payment_id }) => (c.req.query('payment_intent') ?? payment_id) === payment_id)
          .map(shown),
        false,
      ),
    ),
  );

  app.get('/v1/disputes/:id', (c) => answerRead(c, () => shown(psp.disputes.must(c.req.param('id')))));

  app.post('/v1/disputes/:id', (c) =>
    answerWrite(c, psp, (form) => {
      const evidence = JSON.stringify(textFields(nested(form, 'evidence')));
      const submit = text(form, 'submit') !== 'false';
      return {
        answer: { status: 200, body: shown(psp.disputes.respond(c.req.param('id'), evidence, submit)) },
      };
    }),
  );

  app.post('/v1/disputes/:id/close', (c) =>
    answerWrite(c, psp, () => ({
      answer: { status: 200, body: shown(psp.disputes.accept(c.req.param('id'))) },
    })),
  );
}
