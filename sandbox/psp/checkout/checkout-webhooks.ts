/** Facts as Checkout.com's events; the signature covers the raw body with the event's time, not the time of sending. */
import { createHmac } from 'node:crypto';
import type { Fact, Notice } from '../facts.ts';
import type { Psp } from '../psp.ts';
import { disputeStatusOf } from './checkout-disputes.ts';
import { checkoutId } from './checkout-ids.ts';
import { codeOf, paymentObject, payoutObject } from './checkout-objects.ts';
import { approvedCode, payoutRefusedCode } from './checkout-response-codes.ts';

export const checkoutSignature = (body: string, secret: string): string =>
  createHmac('sha256', secret).update(body, 'utf8').digest('hex');

interface Event {
  type: string;
  actionId: string;
  reference: string | null;
  amount: number;
  code: { code: string; summary: string };
}

export function checkoutNotices(fact: Fact, psp: Psp): Notice[] {
  if ('dispute' in fact) return disputeNotices(fact, psp);
  return eventsOf(fact).map((event) => {
    const id = checkoutId('evt');
    const subject = 'payment' in fact ? paymentObject(fact.payment, psp) : payoutObject(fact.payout, psp);
    const { _links, status: _status, ...data } = subject;
    return {
      eventId: id,
      body: JSON.stringify({
        id,
        type: event.type,
        version: '1.0.43',
        created_on: new Date().toISOString(),
        data: {
          ...data,
          action_id: event.actionId,
          ...(event.reference === null ? {} : { reference: event.reference }),
          amount: event.amount,
          response_code: event.code.code,
          response_summary: event.code.summary,
          processed_on: new Date().toISOString(),
        },
        _links,
      }),
    };
  });
}

/** Words of the dispute's new status; funds move silently with them. */
function disputeTypes({ kind, dispute }: DisputeFact, psp: Psp): string[] {
  switch (kind) {
    case 'dispute_opened':
      return ['dispute_received', 'dispute_evidence_required'];
    case 'dispute_updated':
      if (dispute.stage === 'second')
        return dispute.status === 'needs_response'
          ? ['dispute_arbitration_sent_to_scheme']
          : ['dispute_arbitration_evidence_submitted'];
      return ['dispute_evidence_submitted', 'dispute_evidence_acknowledged_by_scheme'];
    case 'dispute_closed':
      return [`dispute_${disputeStatusOf(dispute, psp)}`];
    case 'dispute_funds_withdrawn':
    case 'dispute_funds_reinstated':
      return [];
  }
}

type DisputeFact = Extract<Fact, { dispute: unknown }>;

function disputeNotices(fact: DisputeFact, psp: Psp): Notice[] {
  const { dispute, payment } = fact;
  return disputeTypes(fact, psp).map((type) => {
    const id = checkoutId('evt');
    return {
      eventId: id,
      body: JSON.stringify({
        id,
        type,
        timestamp: new Date().toISOString(),
        version: '1.0.6',
        data: {
          id: dispute.id,
          date: new Date(dispute.created_at_ms).toISOString(),
          category: dispute.reason,
          amount: dispute.amount,
          currency: dispute.currency,
          reason_code: '10.4',
          payment_id: payment.id,
          payment_action_id: payment.charge_id,
          ...(payment.reference === null ? {} : { payment_reference: payment.reference }),
          payment_method: 'VISA',
          entity_id: 'ent_pitboss_sandbox',
          ...(type === 'dispute_evidence_required'
            ? { evidence_required_by: new Date(dispute.due_ms).toISOString() }
            : {}),
        },
      }),
    };
  });
}

function eventsOf(fact: Exclude<Fact, { dispute: unknown }>): Event[] {
  if ('payout' in fact) {
    const { payout } = fact;
    const type = {
      payout_created: 'payment_pending',
      payout_paid: 'payment_paid',
      payout_failed: 'payment_declined',
      payout_cancelled: 'payment_canceled',
    }[fact.kind];
    return [
      {
        type,
        actionId: checkoutId('act'),
        reference: payout.reference,
        amount: payout.amount,
        code: fact.kind === 'payout_failed' ? payoutRefusedCode : approvedCode,
      },
    ];
  }
  const { payment } = fact;
  const event = (type: string, more: Partial<Event> = {}): Event => ({
    type,
    actionId: `act_${payment.id.slice(4)}`,
    reference: payment.reference,
    amount: payment.amount,
    code: codeOf(payment),
    ...more,
  });
  switch (fact.kind) {
    case 'challenged':
      return [event('payment_pending')];
    case 'authorised':
      return [
        event('payment_approved'),
        ...(payment.status === 'captured'
          ? [event('payment_captured', { actionId: checkoutId('act'), amount: payment.captured })]
          : []),
      ];
    case 'declined':
      return [event('payment_declined')];
    case 'captured':
      return [event('payment_captured', { actionId: fact.operation, amount: fact.amount })];
    case 'capture_failed':
      return [
        event('payment_capture_declined', {
          actionId: fact.operation,
          reference: fact.reference,
          amount: fact.amount,
        }),
      ];
    case 'cancelled':
      return [
        event(payment.challenge === null ? 'payment_voided' : 'payment_expired', {
          actionId: fact.operation,
        }),
      ];
    case 'refund_created':
    case 'fraud_alert_opened':
    case 'fraud_alert_updated':
      return [];
    case 'refunded':
    case 'refund_failed':
      return [
        event(fact.kind === 'refunded' ? 'payment_refunded' : 'payment_refund_declined', {
          actionId: fact.refund.id,
          reference: fact.refund.reference ?? payment.reference,
          amount: fact.refund.amount,
        }),
      ];
  }
}
