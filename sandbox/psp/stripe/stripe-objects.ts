/** Our rows as the objects Stripe shows: payment methods, intents, charges, refunds, payouts. */
import { createHash } from 'node:crypto';
import { challengeUrl } from '../challenge-page.ts';
import { declines, type DeclineName } from '../declines.ts';
import type { Psp } from '../psp.ts';
import type { CardRow, PaymentRow, PayoutRow, RefundRow } from '../tables.ts';

const seconds = (ms: number) => Math.floor(ms / 1000);
const metadataOf = (row: { metadata: string }) => JSON.parse(row.metadata) as Record<string, string>;

export function paymentMethodObject(card: CardRow) {
  return {
    id: card.id,
    object: 'payment_method',
    type: 'card',
    created: seconds(card.created_at_ms),
    customer: card.shopper,
    livemode: false,
    metadata: {},
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    allow_redisplay: 'unspecified',
    card: {
      brand: card.brand,
      last4: card.last4,
      exp_month: card.exp_month,
      exp_year: card.exp_year,
      fingerprint: card.fingerprint,
      funding: 'credit',
      country: 'MT',
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      networks: { available: [card.brand], preferred: null },
      three_d_secure_usage: { supported: true },
      wallet: null,
      generated_from: null,
    },
  };
}

const intentStatus: Record<PaymentRow['status'], string> = {
  created: 'requires_confirmation',
  challenge: 'requires_action',
  authenticated: 'processing',
  processing: 'processing',
  late: 'processing',
  authorised: 'requires_capture',
  captured: 'succeeded',
  declined: 'requires_payment_method',
  cancelled: 'canceled',
};

export const clientSecret = (id: string) =>
  `${id}_secret_${createHash('sha256').update(`client secret ${id}`).digest('hex').slice(0, 24)}`;

export function cardError(payment: PaymentRow, psp: Psp) {
  const { stripe, networkCode, networkText } = declines[payment.decline as DeclineName];
  const card = psp.vault.find(payment.card_id);
  return {
    type: stripe.declineCode === '' ? 'invalid_request_error' : 'card_error',
    code: stripe.code,
    ...(stripe.declineCode === '' ? {} : { decline_code: stripe.declineCode }),
    advice_code: stripe.adviceCode,
    ...(networkCode === '' ? {} : { network_decline_code: networkCode }),
    message: networkText === '' ? 'The payment was refused.' : `Your card was declined (${networkText}).`,
    charge: payment.charge_id,
    ...(card === undefined ? {} : { payment_method: paymentMethodObject(card) }),
  };
}

export function paymentIntentObject(payment: PaymentRow, psp: Psp, expand: readonly string[] = []) {
  const { status } = payment;
  return {
    id: payment.id,
    object: 'payment_intent',
    amount: payment.amount,
    amount_capturable: status === 'authorised' ? payment.amount - payment.captured : 0,
    amount_received: payment.captured,
    amount_details: { tip: {} },
    application: null,
    automatic_payment_methods: null,
    canceled_at: status === 'cancelled' ? seconds(Date.now()) : null,
    cancellation_reason: null,
    capture_method: payment.manual_capture === 1 ? 'manual' : 'automatic',
    client_secret: clientSecret(payment.id),
    confirmation_method: 'automatic',
    created: seconds(payment.created_at_ms),
    currency: payment.currency.toLowerCase(),
    customer: payment.shopper,
    description: payment.description,
    livemode: false,
    metadata: metadataOf(payment),
    last_payment_error: status === 'declined' ? cardError(payment, psp) : null,
    latest_charge:
      expand.includes('latest_charge') && payment.charge_id !== null
        ? chargeObject(payment, psp)
        : payment.charge_id,
    next_action:
      status === 'challenge' && payment.challenge !== null
        ? {
            type: 'redirect_to_url',
            redirect_to_url: { url: challengeUrl(psp, payment.challenge), return_url: payment.return_url },
          }
        : null,
    payment_method: status === 'declined' ? null : payment.card_id,
    payment_method_options: {
      card: { request_three_d_secure: payment.three_ds_asked === 1 ? 'any' : 'automatic' },
    },
    payment_method_types: [psp.payments.walletOf(payment.id) ?? 'card'],
    processing: null,
    receipt_email: null,
    setup_future_usage: null,
    shipping: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    transfer_data: null,
    transfer_group: null,
    status:
      status === 'created' && payment.card_id === null ? 'requires_payment_method' : intentStatus[status],
  };
}

/** Of a wallet only its account is told here; names and addresses are left out as for an account that may not see them. */
function walletDetails(payment: PaymentRow, psp: Psp) {
  const type = psp.payments.walletOf(payment.id);
  if (type === undefined) return null;
  const details = { country: null, payer_email: null, payer_name: null, transaction_id: null };
  return { type, [type]: { ...details, payer_id: psp.payments.payerOf(payment.id) ?? null } };
}

export function chargeObject(payment: PaymentRow, psp: Psp) {
  const card = psp.vault.find(payment.card_id);
  const failed = payment.decline === null ? undefined : declines[payment.decline as DeclineName];
  return {
    id: payment.charge_id,
    object: 'charge',
    amount: payment.amount,
    amount_captured: payment.captured,
    amount_refunded: payment.refunded,
    captured: payment.captured > 0,
    created: seconds(payment.created_at_ms),
    currency: payment.currency.toLowerCase(),
    customer: payment.shopper,
    livemode: false,
    metadata: metadataOf(payment),
    paid: failed === undefined,
    payment_intent: payment.id,
    payment_method: payment.card_id,
    failure_code: failed?.stripe.code ?? null,
    failure_message: failed?.networkText ?? null,
    outcome: {
      type:
        failed === undefined
          ? 'authorized'
          : payment.decline === 'risk_block'
            ? 'blocked'
            : 'issuer_declined',
      network_status:
        failed === undefined
          ? 'approved_by_network'
          : payment.decline === 'risk_block'
            ? 'not_sent_to_network'
            : 'declined_by_network',
      reason: failed?.stripe.declineCode ?? null,
      network_decline_code: failed?.networkCode || null,
      network_advice_code: null,
      advice_code: failed?.stripe.adviceCode ?? null,
      risk_level: 'normal',
      seller_message: failed === undefined ? 'Payment complete.' : 'The payment was refused.',
    },
    payment_method_details:
      card === undefined
        ? walletDetails(payment, psp)
        : {
            type: 'card',
            card: {
              brand: card.brand,
              last4: card.last4,
              exp_month: card.exp_month,
              exp_year: card.exp_year,
              fingerprint: card.fingerprint,
              network: card.brand,
              country: 'MT',
              multicapture: { status: psp.payments.takesSeveral(payment.id) ? 'available' : 'unavailable' },
              three_d_secure: threeDSecure(payment, psp),
            },
          },
    refunded: payment.refunded > 0 && payment.refunded === payment.captured,
    status: failed === undefined ? 'succeeded' : 'failed',
  };
}

function threeDSecure(payment: PaymentRow, psp: Psp) {
  const done = psp.authentications.of(payment.id);
  if (done === undefined || done.status === 'D' || done.status === null) return null;
  const result = {
    Y: 'authenticated',
    A: 'attempt_acknowledged',
    N: 'failed',
    R: 'failed',
    U: 'processing_error',
    I: 'data_share_only',
  }[done.status];
  return {
    authentication_flow: done.flow,
    electronic_commerce_indicator: done.eci,
    exemption_indicator: null,
    result,
    result_reason: done.status === 'R' ? 'rejected' : done.status === 'N' ? 'canceled' : null,
    transaction_id: done.dsId,
    version: done.version,
  };
}

export function refundObject(refund: RefundRow, charge: string | null) {
  return {
    id: refund.id,
    object: 'refund',
    amount: refund.amount,
    charge,
    created: seconds(refund.created_at_ms),
    currency: refund.currency.toLowerCase(),
    metadata: metadataOf(refund),
    payment_intent: refund.payment_id,
    reason: null,
    receipt_number: null,
    status: refund.status,
    ...(refund.status === 'failed' ? { failure_reason: 'expired_or_canceled_card' } : {}),
  };
}

export function payoutObject(payout: PayoutRow) {
  const failed = payout.status === 'failed';
  return {
    id: payout.id,
    object: 'payout',
    amount: payout.amount,
    arrival_date: seconds(payout.created_at_ms),
    automatic: false,
    created: seconds(payout.created_at_ms),
    currency: payout.currency.toLowerCase(),
    description: payout.description,
    destination: payout.destination,
    failure_code: failed ? 'debit_not_authorized' : null,
    failure_message: failed ? 'The card does not accept payouts.' : null,
    livemode: false,
    metadata: metadataOf(payout),
    method: 'instant',
    reconciliation_status: 'not_applicable',
    source_type: 'card',
    statement_descriptor: null,
    status:
      payout.status === 'submitted' ? 'pending' : payout.status === 'cancelled' ? 'canceled' : payout.status,
    type: 'card',
  };
}

export const listObject = (url: string, data: readonly unknown[], hasMore: boolean) => ({
  object: 'list',
  url,
  has_more: hasMore,
  data,
});
