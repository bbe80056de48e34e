/** Payments, payouts and their actions in Checkout.com's words; one resource, /payments, stands for both. */
import { challengeUrl } from '../challenge-page.ts';
import type { DeclineName } from '../declines.ts';
import type { Psp } from '../psp.ts';
import type { PaymentRow, PayoutRow } from '../tables.ts';
import { approvedCode, payoutRefusedCode, refusedCode, responseCodes } from './checkout-response-codes.ts';
import { sourceObject } from './checkout-sources.ts';

/** The shop's way back after a refused challenge travels with the payment, unseen by its owner. */
export const failureUrlKey = '_failure_url';

const iso = (atMs: number): string => new Date(atMs).toISOString();

export function statusOf(payment: PaymentRow): string {
  switch (payment.status) {
    case 'created':
    case 'challenge':
    case 'authenticated':
    case 'processing':
    case 'late':
      return 'Pending';
    case 'authorised':
      return payment.captured > 0 ? 'Partially Captured' : 'Authorized';
    case 'declined':
      return 'Declined';
    case 'cancelled':
      return payment.challenge === null ? 'Voided' : 'Expired';
    case 'captured':
      if (payment.refunded === 0) return 'Captured';
      return payment.refunded === payment.captured ? 'Refunded' : 'Partially Refunded';
  }
}

export const codeOf = (payment: PaymentRow): { code: string; summary: string } =>
  payment.status === 'declined' ? responseCodes[payment.decline as DeclineName] : approvedCode;

const link = (psp: Psp, path: string) => ({ href: `${psp.publicUrl()}/payments/${path}` });

const exemptionNames = {
  low_value: 'low_value',
  tra: 'transaction_risk_assessment',
  trusted: 'trusted_listing',
} as const;

export function paymentObject(payment: PaymentRow, psp: Psp) {
  const card = psp.vault.find(payment.card_id);
  const { [failureUrlKey]: _unseen, ...metadata } = JSON.parse(payment.metadata) as Record<string, unknown>;
  const isWaiting = payment.status === 'challenge';
  const done = psp.authentications.of(payment.id);
  return {
    id: payment.id,
    requested_on: iso(payment.created_at_ms),
    ...(card === undefined
      ? { source: { type: psp.payments.walletOf(payment.id) ?? 'unknown' } }
      : { source: { ...sourceObject(card), issuer_country: 'MT' } }),
    amount: payment.amount,
    currency: payment.currency,
    payment_type: done?.exemption === 'mit' ? 'Unscheduled' : 'Regular',
    ...(done?.eci ? { eci: done.eci } : {}),
    ...(payment.reference === null ? {} : { reference: payment.reference }),
    approved: payment.status === 'authorised' || payment.status === 'captured',
    status: statusOf(payment),
    balances: {
      total_authorized: payment.charge_id === null || payment.status === 'declined' ? 0 : payment.amount,
      total_voided: payment.status === 'cancelled' ? payment.amount - payment.captured : 0,
      available_to_capture: payment.status === 'authorised' ? payment.amount - payment.captured : 0,
      total_captured: payment.captured,
      available_to_refund: payment.captured - payment.refunded,
      total_refunded: payment.refunded,
    },
    '3ds': {
      enrolled: payment.challenge === null && done === undefined ? 'N' : 'Y',
      ...(done?.status
        ? { authentication_response: done.status, xid: done.dsId, version: done.version }
        : {}),
      ...(done?.cavv ? { cryptogram: done.cavv } : {}),
      ...(done?.exemption && done.exemption !== 'mit'
        ? { exemption_applied: exemptionNames[done.exemption] }
        : {}),
    },
    metadata,
    _links: {
      self: link(psp, payment.id),
      actions: link(psp, `${payment.id}/actions`),
      ...(isWaiting ? { redirect: { href: challengeUrl(psp, payment.challenge ?? '') } } : {}),
    },
  };
}

/** The answer to the request itself: before the capture, which follows by itself a moment later. */
export function requestAnswer(payment: PaymentRow, psp: Psp) {
  const shown = paymentObject(payment, psp);
  if (shown.status === 'Pending') {
    return {
      status: 202,
      body: { ...shown, ...(payment.status === 'challenge' ? {} : { _links: { self: shown._links.self } }) },
    };
  }
  const { code, summary } = codeOf(payment);
  const { balances: _later, ...answered } = shown;
  return {
    status: 201,
    body: {
      ...answered,
      action_id: `act_${payment.id.slice(4)}`,
      status: payment.status === 'captured' ? 'Authorized' : shown.status,
      response_code: code,
      response_summary: summary,
      processed_on: iso(payment.created_at_ms),
    },
  };
}

export function payoutObject(payout: PayoutRow, psp: Psp) {
  const card = psp.vault.find(payout.destination);
  const status = {
    submitted: 'Pending',
    pending: 'Pending',
    paid: 'Paid',
    failed: 'Declined',
    cancelled: 'Canceled',
  };
  return {
    id: payout.id,
    requested_on: iso(payout.created_at_ms),
    source: { type: 'currency_account' },
    ...(card === undefined ? {} : { destination: sourceObject(card) }),
    amount: payout.amount,
    currency: payout.currency,
    ...(payout.reference === null ? {} : { reference: payout.reference }),
    status: status[payout.status],
    _links: { self: link(psp, payout.id), actions: link(psp, `${payout.id}/actions`) },
  };
}

/** Everything that happened to a payment, latest first. */
export function actionsOf(payment: PaymentRow, psp: Psp) {
  const action = (
    id: string,
    type: string,
    amount: number,
    approved: boolean | undefined,
    code: { code: string; summary: string },
    reference = payment.reference,
  ) => ({
    id,
    type,
    amount,
    ...(approved === undefined ? {} : { approved }),
    response_code: code.code,
    response_summary: code.summary,
    processed_on: iso(payment.created_at_ms),
    ...(reference === null ? {} : { reference }),
  });
  const refunds = psp.refunds
    .ofPayment(payment.id)
    .map((refund) =>
      action(
        refund.id,
        'Refund',
        refund.amount,
        refund.status === 'pending' ? undefined : refund.status === 'succeeded',
        approvedCode,
        refund.reference ?? payment.reference,
      ),
    );
  const own = payment.id.slice(4);
  const operations = psp.payments.operationsOf(payment.id);
  const isDecided = payment.charge_id !== null;
  return [
    ...refunds,
    ...operations.map(({ id, kind, amount, approved, reference }) =>
      action(
        id,
        kind === 'capture' ? 'Capture' : 'Void',
        amount,
        approved === 1,
        approved === 1 ? approvedCode : refusedCode,
        reference ?? payment.reference,
      ),
    ),
    ...(payment.captured > 0 && operations.length === 0
      ? [action(`act_c${own.slice(1)}`, 'Capture', payment.captured, true, approvedCode)]
      : []),
    ...(isDecided
      ? [
          action(
            `act_${own}`,
            'Authorization',
            payment.amount,
            payment.status !== 'declined',
            codeOf(payment),
          ),
        ]
      : []),
  ];
}

export const payoutActionsOf = (payout: PayoutRow) =>
  payout.status === 'paid' || payout.status === 'failed'
    ? [
        {
          id: `act_${payout.id.slice(4)}`,
          type: 'Payout',
          amount: payout.amount,
          approved: payout.status === 'paid',
          response_code: (payout.status === 'paid' ? approvedCode : payoutRefusedCode).code,
          response_summary: (payout.status === 'paid' ? approvedCode : payoutRefusedCode).summary,
        },
      ]
    : [];
