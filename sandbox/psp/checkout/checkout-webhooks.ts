/** Facts as Checkout.com's events; the signature covers the raw body and carries no time. */
import { createHmac } from 'node:crypto';
import type { Fact, Notice } from '../facts.ts';
import type { Psp } from '../psp.ts';
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
  // No disputes in this dialect: the connector speaks none.
  if ('dispute' in fact) return [];
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
