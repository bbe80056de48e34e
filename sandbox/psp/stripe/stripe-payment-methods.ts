/** /v1/payment_methods: the player's browser turns a card number into a token here, with a publishable key. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { prefixedId } from '../references.ts';
import { Refusal } from '../refusal.ts';
import { nested, text } from './form-encoding.ts';
import { listObject, paymentMethodObject } from './stripe-objects.ts';
import { answerRead, answerWrite } from './stripe-requests.ts';

export function serveStripePaymentMethods(app: PartyApp, psp: Psp): void {
  const must = (id: string) => {
    const card = psp.vault.find(id);
    if (card === undefined)
      throw new Refusal('not_found', `No such PaymentMethod: '${id}'`, 'payment_method');
    return card;
  };

  app.post('/v1/payment_methods', (c) =>
    answerWrite(c, psp, (form) => {
      const card = nested(form, 'card');
      const number = text(card, 'number');
      if (text(form, 'type') !== 'card' || number === undefined)
        throw new Refusal('missing_parameter', 'Missing required param: card[number].', 'card');
      const stored = psp.vault.store({
        id: prefixedId('pm'),
        number,
        expMonth: Number(text(card, 'exp_month')),
        expYear: Number(text(card, 'exp_year')),
        shopper: text(form, 'customer') ?? null,
      });
      return { answer: { status: 200, body: paymentMethodObject(stored) } };
    }),
  );

  app.get('/v1/payment_methods', (c) =>
    answerRead(c, () =>
      listObject(
        '/v1/payment_methods',
        psp.vault.ofShopper(c.req.query('customer') ?? '').map(paymentMethodObject),
        false,
      ),
    ),
  );

  app.get('/v1/payment_methods/:id', (c) =>
    answerRead(c, () => paymentMethodObject(must(c.req.param('id')))),
  );

  app.post('/v1/payment_methods/:id/attach', (c) =>
    answerWrite(c, psp, (form) => {
      const card = must(c.req.param('id'));
      psp.vault.assign(card.id, text(form, 'customer') ?? null);
      return { answer: { status: 200, body: paymentMethodObject(must(card.id)) } };
    }),
  );

  app.post('/v1/payment_methods/:id/detach', (c) =>
    answerWrite(c, psp, () => {
      const card = must(c.req.param('id'));
      psp.vault.assign(card.id, null);
      return { answer: { status: 200, body: paymentMethodObject(must(card.id)) } };
    }),
  );
}
