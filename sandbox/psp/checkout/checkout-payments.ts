/** /payments: charges and payouts through one door, told apart by their source; found again by id or by reference. */
import type { z } from 'zod';
import type { PartyApp } from '../../support/party-server.ts';
import type { ExemptionName } from '../authentications.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { Refusal } from '../refusal.ts';
import type { CheckoutSettings } from '../settings.ts';
import type { PaymentRow, PayoutRow } from '../tables.ts';
import { type chargeBody, modificationBody, paymentBody, type payoutBody } from './checkout-bodies.schema.ts';
import { checkoutId } from './checkout-ids.ts';
import {
  actionsOf,
  failureUrlKey,
  paymentObject,
  payoutActionsOf,
  payoutObject,
  requestAnswer,
} from './checkout-objects.ts';
import { answerRead, answerWrite, type CheckoutResult } from './checkout-requests.ts';
import { takeSource } from './checkout-sources.ts';

export function serveCheckoutPayments(app: PartyApp, psp: Psp, settings: CheckoutSettings): void {
  app.post('/payments', (c) =>
    answerWrite(c, psp, {
      schema: paymentBody,
      work(body, key) {
        if (body.processing_channel_id !== settings.processingChannelId)
          throw new Refusal('missing_parameter', 'processing_channel_id_invalid');
        return 'destination' in body ? payOut(body, psp, settings) : charge(body, key, psp);
      },
    }),
  );

  app.get('/payments', (c) =>
    answerRead(() => {
      const reference = c.req.query('reference');
      if (reference === undefined) throw new Refusal('missing_parameter', 'reference_required');
      const payments = psp.store
        .all<PaymentRow>(
          'select * from payment where reference = ? and visible_at_ms <= ? order by created_at_ms desc, rowid desc',
          reference,
          Date.now(),
        )
        .map((payment) => paymentObject(expired(payment, psp), psp));
      const payouts = psp.store
        .all<PayoutRow>('select * from payout where reference = ? order by created_at_ms desc', reference)
        .map((payout) => payoutObject(payout, psp));
      const data = [...payments, ...payouts];
      return { limit: 10, skip: 0, total_count: data.length, data: data.slice(0, 10) };
    }),
  );

  app.get('/payments/:id', (c) =>
    answerRead(() => {
      const payout = psp.payouts.find(c.req.param('id'));
      if (payout !== undefined) return payoutObject(payout, psp);
      return paymentObject(expired(psp.payments.must(c.req.param('id')), psp), psp);
    }),
  );

  app.get('/payments/:id/actions', (c) =>
    answerRead(() => {
      const payout = psp.payouts.find(c.req.param('id'));
      return payout === undefined
        ? actionsOf(psp.payments.must(c.req.param('id')), psp)
        : payoutActionsOf(payout);
    }),
  );

  const modify = (
    kind: 'captures' | 'refunds' | 'voids',
    run: (
      paymentId: string,
      action: string,
      amount: number | undefined,
      reference: string | null,
      isFinal: boolean,
    ) => void,
  ) =>
    app.post(`/payments/:id/${kind}`, (c) =>
      answerWrite(c, psp, {
        schema: modificationBody,
        work(body) {
          const action = checkoutId('act');
          const payment = psp.payments.must(c.req.param('id'));
          if (kind === 'voids' && payment.status !== 'authorised')
            throw new Refusal('invalid_state', 'Only an authorised payment can be voided.');
          run(payment.id, action, body.amount, body.reference ?? null, body.capture_type === 'Final');
          return {
            ...(kind === 'refunds' ? {} : { delivery: psp.scenario.current().modifyDelivery }),
            answer: {
              status: 202,
              body: { action_id: action, reference: body.reference ?? payment.reference },
            },
          };
        },
      }),
    );
  modify(
    'captures',
    (id, action, amount, reference, isFinal) =>
      void psp.payments.capture(id, amount, action, reference, isFinal),
  );
  modify('voids', (id, action, _amount, reference) => void psp.payments.cancel(id, action, reference));
  modify(
    'refunds',
    (paymentId, id, amount, reference) =>
      void psp.refunds.refund({ id, paymentId, amount, reference, metadata: {} }),
  );
}

/** A challenge that nobody took ends by itself, and only so: this PSP cannot call it back. */
export function expired(payment: PaymentRow, psp: Psp): PaymentRow {
  if (payment.status !== 'challenge') return payment;
  if (payment.created_at_ms + psp.scenario.current().challengeMs > Date.now()) return payment;
  return psp.payments.cancel(payment.id, checkoutId('act'), null);
}

function charge(body: z.infer<typeof chargeBody>, key: string | null, psp: Psp): CheckoutResult {
  const card = body.source.type === 'paypal' ? null : takeSource(psp, body.source);
  const secure = body['3ds'];
  const payment = psp.payments.create({
    id: checkoutId('pay'),
    reference: body.reference ?? null,
    cardId: card?.id ?? null,
    wallet: card === null ? body.source.type : undefined,
    asked: {
      exemption: body.merchant_initiated ? 'mit' : exemptionOf(secure.exemption),
      refuseUnavailable: !secure.attempt_n3d,
      ...(secure.cryptogram === undefined
        ? {}
        : {
            imported: {
              cavv: secure.cryptogram,
              eci: secure.eci ?? '',
              dsId: secure.xid ?? '',
              version: secure.version ?? '2.2.0',
              status: secure.eci === '06' || secure.eci === '01' ? 'A' : 'Y',
            },
          }),
    },
    amount: body.amount,
    currency: body.currency,
    manualCapture: !body.capture,
    severalCaptures: true,
    threeDsAsked:
      body['3ds'].enabled && (body['3ds'].challenge_indicator ?? '').startsWith('challenge_requested'),
    returnUrl: body.success_url ?? null,
    shopper: null,
    metadata: {
      ...body.metadata,
      ...(body.failure_url === undefined ? {} : { [failureUrlKey]: body.failure_url }),
    },
    description: body.description ?? null,
    idempotencyKey: key,
  });
  const { delivery, happened } = psp.payments.authorise(payment);
  if (!happened) throw new RequestLost(delivery === 'drop' ? 'drop' : 'silence');
  return { answer: requestAnswer(payment, psp), delivery, answeredLater: payment.status === 'late' };
}

const exemptionNames: Readonly<Record<string, ExemptionName>> = {
  low_value: 'low_value',
  transaction_risk_assessment: 'tra',
  trusted_listing: 'trusted',
};

const exemptionOf = (name: string | undefined): ExemptionName | undefined =>
  name === undefined ? undefined : exemptionNames[name];

function payOut(
  body: z.infer<typeof payoutBody>,
  psp: Psp,
  { currencyAccountId }: CheckoutSettings,
): CheckoutResult {
  if (body.source.id !== currencyAccountId) throw new Refusal('missing_parameter', 'source_id_invalid');
  const { payout, delivery, happened } = psp.payouts.submit({
    id: checkoutId('pay'),
    reference: body.reference ?? null,
    destination: takeSource(psp, body.destination).id,
    amount: body.amount,
    currency: body.currency,
    shopper: null,
    metadata: {},
    description: null,
    waitsForConfirmation: false,
  });
  if (!happened) throw new RequestLost(delivery === 'drop' ? 'drop' : 'silence');
  return { answer: { status: 202, body: payoutObject(payout, psp) }, delivery };
}
