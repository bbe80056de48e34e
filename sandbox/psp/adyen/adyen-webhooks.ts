/** Facts as Adyen's standard notifications, each item signed over eight of its fields. */
import { createHmac } from 'node:crypto';
import { declines, type DeclineName } from '../declines.ts';
import type { Fact, Notice } from '../facts.ts';
import type { Psp } from '../psp.ts';
import type { AdyenSettings } from '../settings.ts';

interface NotificationItem {
  eventCode: string;
  pspReference: string;
  originalReference?: string;
  merchantReference: string;
  amount: { value: number; currency: string };
  success: boolean;
  reason?: string;
  paymentMethod?: string;
  operations?: string[];
}

function adyenSignature(item: NotificationItem, merchantAccount: string, hmacKey: string): string {
  const signed = [
    item.pspReference,
    item.originalReference ?? '',
    merchantAccount,
    item.merchantReference,
    item.amount.value,
    item.amount.currency,
    item.eventCode,
    String(item.success),
  ].join(':');
  return createHmac('sha256', Buffer.from(hmacKey, 'hex')).update(signed, 'utf8').digest('base64');
}

export function adyenNotices(fact: Fact, psp: Psp, { merchantAccount, hmacKey }: AdyenSettings): Notice[] {
  const item = itemOf(fact, psp);
  if (item === undefined) return [];
  const NotificationRequestItem = {
    ...item,
    success: String(item.success),
    merchantAccountCode: merchantAccount,
    eventDate: new Date().toISOString(),
    reason: item.reason ?? '',
    additionalData: { hmacSignature: adyenSignature(item, merchantAccount, hmacKey) },
  };
  return [
    {
      eventId: `${item.eventCode}:${item.pspReference}`,
      body: JSON.stringify({ live: 'false', notificationItems: [{ NotificationRequestItem }] }),
    },
  ];
}

function itemOf(fact: Fact, psp: Psp): NotificationItem | undefined {
  switch (fact.kind) {
    case 'challenged':
    case 'refund_created':
    case 'payout_created':
      return undefined;
    case 'authorised':
    case 'declined': {
      const { payment } = fact;
      const card = psp.vault.find(payment.card_id);
      const success = fact.kind === 'authorised';
      return {
        eventCode: 'AUTHORISATION',
        pspReference: payment.id,
        merchantReference: payment.reference ?? '',
        amount: { value: payment.amount, currency: payment.currency },
        success,
        paymentMethod: card?.brand ?? 'scheme',
        reason: success
          ? `${String(payment.created_at_ms).slice(-6)}:${card?.last4 ?? ''}:${card?.exp_month ?? ''}/${card?.exp_year ?? ''}`
          : declines[payment.decline as DeclineName].adyen.refusalReason,
        ...(success ? { operations: ['CANCEL', 'CAPTURE', 'REFUND'] } : {}),
      };
    }
    case 'captured':
    case 'cancelled':
      return {
        eventCode: fact.kind === 'captured' ? 'CAPTURE' : 'CANCELLATION',
        pspReference: fact.operation,
        originalReference: fact.payment.id,
        merchantReference: fact.reference ?? fact.payment.reference ?? '',
        amount: { value: fact.amount, currency: fact.payment.currency },
        success: true,
      };
    case 'refunded':
    case 'refund_failed':
      return {
        eventCode: fact.kind === 'refunded' ? 'REFUND' : 'REFUND_FAILED',
        pspReference: fact.refund.id,
        originalReference: fact.payment.id,
        merchantReference: fact.refund.reference ?? fact.payment.reference ?? '',
        amount: { value: fact.refund.amount, currency: fact.refund.currency },
        success: true,
      };
    case 'payout_paid':
    case 'payout_failed':
      return {
        eventCode: 'PAYOUT_THIRDPARTY',
        pspReference: fact.payout.id,
        merchantReference: fact.payout.reference ?? '',
        amount: { value: fact.payout.amount, currency: fact.payout.currency },
        success: fact.kind === 'payout_paid',
        ...(fact.kind === 'payout_failed' ? { reason: 'The card does not accept payouts' } : {}),
      };
    case 'payout_cancelled':
      return {
        eventCode: 'PAYOUT_DECLINE',
        pspReference: fact.payout.id,
        merchantReference: fact.payout.reference ?? '',
        amount: { value: fact.payout.amount, currency: fact.payout.currency },
        success: true,
      };
  }
}
