/** Refunds of captured payments in Stripe's words, at /v1/refunds. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { prefixedId } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import type { PaymentRow, RefundRow } from '../tables.ts';
import { nested, text, textFields } from './form-encoding.ts';
import { listObject, refundObject } from './stripe-objects.ts';
import { answerRead, answerWrite } from './stripe-requests.ts';

export function serveStripeRefunds(app: PartyApp, psp: Psp): void {
  const shown = (refund: RefundRow) =>
    refundObject(refund, psp.payments.find(refund.payment_id)?.charge_id ?? null);

  function paymentIdOf(intent: string | undefined, charge: string | undefined): string {
    if (intent !== undefined) return intent;
    const payment =
      charge === undefined
        ? undefined
        : psp.store.one<PaymentRow>('select * from payment where charge_id = ?', charge);
    if (payment === undefined)
      throw new Refusal(
        'missing_parameter',
        'One of the following params should be provided: payment_intent, charge.',
        'charge',
      );
    return payment.id;
  }

  app.post('/v1/refunds', (c) =>
    answerWrite(c, psp, (form) => {
      const metadata = textFields(nested(form, 'metadata'));
      const refund = psp.refunds.refund({
        id: prefixedId('re'),
        paymentId: paymentIdOf(text(form, 'payment_intent'), text(form, 'charge')),
        reference: metadata['reference'] ?? null,
        amount: form['amount'] === undefined ? undefined : minorUnits(form['amount'], 'amount'),
        metadata,
      });
      return { answer: { status: 200, body: shown(refund) } };
    }),
  );

  app.get('/v1/refunds', (c) =>
    answerRead(c, () =>
      listObject('/v1/refunds', psp.refunds.ofPayment(c.req.query('payment_intent') ?? '').map(shown), false),
    ),
  );

  app.get('/v1/refunds/:id', (c) =>
    answerRead(c, () => {
      const refund = psp.refunds.find(c.req.param('id'));
      if (refund === undefined)
        throw new Refusal('not_found', `No such refund: '${c.req.param('id')}'`, 'id');
      return shown(refund);
    }),
  );
}
