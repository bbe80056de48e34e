/** Captures, refunds, cancels: always "received" at once, the result comes as a webhook. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { pspReference } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import type { AdyenSettings } from '../settings.ts';
import type { PaymentRow } from '../tables.ts';
import { modificationBody } from './adyen-bodies.schema.ts';
import { answerWrite } from './adyen-requests.ts';

type Kind = 'captures' | 'refunds' | 'cancels';

export function serveAdyenModifications(app: PartyApp, psp: Psp, { merchantAccount }: AdyenSettings): void {
  const serve = (
    kind: Kind,
    run: (paymentId: string, operation: string, amount: number | undefined, reference: string | null) => void,
  ) =>
    app.post(`/:version{v\\d+}/payments/:psp/${kind}`, (c) =>
      answerWrite(c, psp, {
        schema: modificationBody,
        merchantAccount,
        work(body) {
          const operation = pspReference();
          const payment: PaymentRow = psp.payments.must(c.req.param('psp'));
          if (body.amount !== undefined && body.amount.currency !== payment.currency) {
            throw new Refusal('invalid_amount', 'Invalid amount specified', 'amount');
          }
          const amount =
            body.amount === undefined ? undefined : minorUnits(body.amount.value, 'amount.value');
          if (amount === undefined && kind !== 'cancels')
            throw new Refusal('missing_parameter', "Required field 'amount' is not provided.");
          run(payment.id, operation, amount, body.reference ?? null);
          return {
            ...(kind === 'refunds' ? {} : { delivery: psp.scenario.current().modifyDelivery }),
            answer: {
              status: 201,
              body: {
                merchantAccount,
                paymentPspReference: payment.id,
                pspReference: operation,
                status: 'received',
                reference: body.reference ?? '',
                ...(body.amount === undefined ? {} : { amount: body.amount }),
              },
            },
          };
        },
      }),
    );

  serve(
    'captures',
    // No word for the last one: an account that takes several keeps the rest until it is cancelled.
    (id, operation, amount, reference) =>
      void psp.payments.capture(id, amount, operation, reference, !psp.payments.takesSeveral(id)),
  );
  serve('cancels', (id, operation, _amount, reference) => void psp.payments.cancel(id, operation, reference));
  serve(
    'refunds',
    (paymentId, id, amount, reference) =>
      void psp.refunds.refund({ id, paymentId, amount, reference, metadata: {} }),
  );
}
