/** /v1/payouts; the destination is a stored card, which stands for the player's account. */
import type { PartyApp } from '../../support/party-server.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { prefixedId } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import { nested, parseForm, text, textFields } from './form-encoding.ts';
import { createdWithin, pageOf } from './stripe-lists.ts';
import { listObject, payoutObject } from './stripe-objects.ts';
import { answerRead, answerWrite } from './stripe-requests.ts';

export function serveStripePayouts(app: PartyApp, psp: Psp): void {
  app.post('/v1/payouts', (c) =>
    answerWrite(c, psp, (form) => {
      const currency = text(form, 'currency');
      if (currency === undefined)
        throw new Refusal('missing_parameter', 'Missing required param: currency.', 'currency');
      const metadata = textFields(nested(form, 'metadata'));
      const { payout, delivery, happened } = psp.payouts.submit({
        id: prefixedId('po'),
        reference: metadata['reference'] ?? null,
        destination: text(form, 'destination') ?? null,
        amount: minorUnits(form['amount'], 'amount'),
        currency: currency.toUpperCase(),
        shopper: null,
        metadata,
        description: text(form, 'description') ?? null,
        waitsForConfirmation: false,
      });
      if (!happened) throw new RequestLost(delivery === 'drop' ? 'drop' : 'silence');
      return { answer: { status: 200, body: payoutObject(payout) }, delivery };
    }),
  );

  app.get('/v1/payouts', (c) =>
    answerRead(c, () => {
      const query = parseForm(new URL(c.req.url).search.slice(1));
      const wanted = Object.entries(textFields(nested(query, 'metadata')));
      const found = psp.payouts
        .list(5000)
        .filter(createdWithin(query))
        .map(payoutObject)
        .filter((payout) => wanted.every(([name, value]) => payout.metadata[name] === value));
      const { page, hasMore } = pageOf(found, query, Math.min(100, Number(text(query, 'limit') ?? 10)));
      return listObject('/v1/payouts', page, hasMore);
    }),
  );

  app.get('/v1/payouts/:id', (c) => answerRead(c, () => payoutObject(psp.payouts.must(c.req.param('id')))));
}
