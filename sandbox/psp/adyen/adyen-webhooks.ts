/** Facts as Adyen's standard notifications, each item signed over eight of its fields. */
import { createHmac } from 'node:crypto';
import { declines, type DeclineName } from '../declines.ts';
import type { Fact, Notice } from '../facts.ts';
import type { Psp } from '../psp.ts';
import type { AdyenSettings } from '../settings.ts';
import type { DisputeRow, PaymentRow } from '../tables.ts';

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
  additionalData?: Record<string, string>;
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
    additionalData: {
      ...item.additionalData,
      hmacSignature: adyenSignature(item, merchantAccount, hmacKey),
    },
  };
  return [
    {
      eventId: `${item.eventCode}:${item.pspReference}`,
      body: JSON.stringify({ live: 'false', notificationItems: [{ NotificationRequestItem }] }),
    },
  ];
}

/** What each step is called; some steps of the other dialect have no word here. */
function disputeCode(
  kind: Extract<Fact, { dispute: DisputeRow }>['kind'],
  { stage, status, responses }: DisputeRow,
): string | undefined {
  switch (kind) {
    case 'dispute_opened':
      return stage === 'inquiry' ? 'REQUEST_FOR_INFORMATION' : 'NOTIFICATION_OF_CHARGEBACK';
    case 'dispute_updated':
      return status === 'under_review'
        ? 'INFORMATION_SUPPLIED'
        : stage === 'chargeback'
          ? 'NOTIFICATION_OF_CHARGEBACK'
          : undefined;
    case 'dispute_funds_withdrawn':
      return stage === 'second' ? 'SECOND_CHARGEBACK' : 'CHARGEBACK';
    case 'dispute_funds_reinstated':
      return stage === 'second' ? 'PREARBITRATION_WON' : 'CHARGEBACK_REVERSED';
    case 'dispute_closed':
      if (status !== 'lost') return undefined;
      return responses > 0 ? 'PREARBITRATION_LOST' : 'DISPUTE_DEFENSE_PERIOD_ENDED';
  }
}

function disputeItem(
  kind: Extract<Fact, { dispute: DisputeRow }>['kind'],
  payment: PaymentRow,
  dispute: DisputeRow,
): NotificationItem | undefined {
  const eventCode = disputeCode(kind, dispute);
  if (eventCode === undefined) return undefined;
  return {
    eventCode,
    pspReference: dispute.id,
    originalReference: payment.id,
    merchantReference: payment.reference ?? '',
    amount: { value: dispute.amount, currency: dispute.currency },
    success: true,
    reason: dispute.reason,
    additionalData: {
      chargebackReasonCode: '10.4',
      chargebackSchemeCode: 'visa',
      defensePeriodEndsAt: new Date(dispute.due_ms).toISOString(),
    },
  };
}

function itemOf(fact: Fact, psp: Psp): NotificationItem | undefined {
  switch (fact.kind) {
    case 'challenged':
    case 'refund_created':
    case 'fraud_alert_updated':
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
    case 'capture_failed':
    case 'cancelled':
      return {
        eventCode: fact.kind === 'cancelled' ? 'CANCELLATION' : 'CAPTURE',
        pspReference: fact.operation,
        originalReference: fact.payment.id,
        merchantReference: fact.reference ?? fact.payment.reference ?? '',
        amount: { value: fact.amount, currency: fact.payment.currency },
        success: fact.kind !== 'capture_failed',
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
    case 'dispute_opened':
    case 'dispute_updated':
    case 'dispute_closed':
    case 'dispute_funds_withdrawn':
    case 'dispute_funds_reinstated':
      return disputeItem(fact.kind, fact.payment, fact.dispute);
    case 'fraud_alert_opened':
      return {
        eventCode: 'NOTIFICATION_OF_FRAUD',
        pspReference: fact.alert.id,
        originalReference: fact.payment.id,
        merchantReference: fact.payment.reference ?? '',
        amount: { value: fact.payment.captured, currency: fact.payment.currency },
        success: true,
        reason: 'Fraudulent Use of Account Number',
        additionalData: {
          nofReasonCode: '6',
          nofSchemeCode: psp.vault.find(fact.payment.card_id)?.brand ?? '',
        },
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
