/** Facts as Stripe events, and the Stripe-Signature header. */
import { createHmac } from 'node:crypto';
import type { Fact, Notice } from '../facts.ts';
import type { Psp } from '../psp.ts';
import { prefixedId } from '../references.ts';
import { disputeObject } from './stripe-disputes.ts';
import { earlyFraudWarningObject } from './stripe-fraud-alerts.ts';
import { chargeObject, paymentIntentObject, payoutObject, refundObject } from './stripe-objects.ts';

/** The API version that stripe-node 23.1 is pinned to. */
const stripeApiVersion = '2026-10-28.endive';

export function stripeSignature(body: string, secret: string, nowMs: number): string {
  const timestamp = Math.floor(nowMs / 1000);
  return `t=${timestamp},v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`, 'utf8').digest('hex')}`;
}

export function stripeNotices(fact: Fact, psp: Psp): Notice[] {
  return eventsOf(fact, psp).map(({ type, object }) => {
    const id = prefixedId('evt');
    const key = 'payment' in fact ? fact.payment.idempotency_key : null;
    return {
      eventId: id,
      body: JSON.stringify({
        id,
        object: 'event',
        api_version: stripeApiVersion,
        created: Math.floor(Date.now() / 1000),
        data: { object },
        livemode: false,
        pending_webhooks: 1,
        request: { id: null, idempotency_key: key },
        type,
      }),
    };
  });
}

const disputeEvents = {
  dispute_opened: 'charge.dispute.created',
  dispute_updated: 'charge.dispute.updated',
  dispute_closed: 'charge.dispute.closed',
  dispute_funds_withdrawn: 'charge.dispute.funds_withdrawn',
  dispute_funds_reinstated: 'charge.dispute.funds_reinstated',
} as const;

function eventsOf(fact: Fact, psp: Psp): { type: string; object: unknown }[] {
  switch (fact.kind) {
    case 'challenged':
      return [{ type: 'payment_intent.requires_action', object: paymentIntentObject(fact.payment, psp) }];
    case 'authorised': {
      const object = paymentIntentObject(fact.payment, psp);
      return [
        { type: 'charge.succeeded', object: chargeObject(fact.payment, psp) },
        {
          type:
            fact.payment.status === 'captured'
              ? 'payment_intent.succeeded'
              : 'payment_intent.amount_capturable_updated',
          object,
        },
      ];
    }
    case 'declined':
      return [
        { type: 'charge.failed', object: chargeObject(fact.payment, psp) },
        { type: 'payment_intent.payment_failed', object: paymentIntentObject(fact.payment, psp) },
      ];
    case 'captured':
      return [
        { type: 'charge.captured', object: chargeObject(fact.payment, psp) },
        {
          type:
            fact.payment.status === 'captured'
              ? 'payment_intent.succeeded'
              : 'payment_intent.amount_capturable_updated',
          object: paymentIntentObject(fact.payment, psp),
        },
      ];
    case 'capture_failed':
      return [];
    case 'cancelled':
      return [
        {
          type: fact.payment.captured > 0 ? 'payment_intent.succeeded' : 'payment_intent.canceled',
          object: paymentIntentObject(fact.payment, psp),
        },
      ];
    case 'refund_created':
      return [{ type: 'refund.created', object: refundObject(fact.refund, fact.payment.charge_id) }];
    case 'refunded':
      return [{ type: 'charge.refunded', object: chargeObject(fact.payment, psp) }];
    case 'refund_failed':
      return [{ type: 'refund.failed', object: refundObject(fact.refund, fact.payment.charge_id) }];
    case 'dispute_opened':
    case 'dispute_updated':
    case 'dispute_closed':
    case 'dispute_funds_withdrawn':
    case 'dispute_funds_reinstated':
      return [
        {
          type: disputeEvents[fact.kind],
          object: disputeObject(fact.dispute, fact.payment, psp),
        },
      ];
    case 'fraud_alert_opened':
    case 'fraud_alert_updated':
      return [
        {
          type: `radar.early_fraud_warning.${fact.kind === 'fraud_alert_opened' ? 'created' : 'updated'}`,
          object: earlyFraudWarningObject(fact.alert, fact.payment),
        },
      ];
    case 'payout_created':
      return [{ type: 'payout.created', object: payoutObject(fact.payout) }];
    case 'payout_paid':
      return [{ type: 'payout.paid', object: payoutObject(fact.payout) }];
    case 'payout_failed':
      return [{ type: 'payout.failed', object: payoutObject(fact.payout) }];
    case 'payout_cancelled':
      return [{ type: 'payout.canceled', object: payoutObject(fact.payout) }];
  }
}
