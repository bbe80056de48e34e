/** /storedPaymentMethods: card numbers become tokens of one shopper. */
import type { PartyApp } from '../../support/party-server.ts';
import type { Psp } from '../psp.ts';
import { pspReference } from '../references.ts';
import type { AdyenSettings } from '../settings.ts';
import type { CardRow } from '../tables.ts';
import { storeCardBody } from './adyen-bodies.schema.ts';
import { adyenError } from './adyen-errors.ts';
import { answerWrite, send } from './adyen-requests.ts';

const shown = (card: CardRow) => ({
  id: card.id,
  type: 'scheme',
  brand: card.brand === 'mastercard' ? 'mc' : card.brand,
  lastFour: card.last4,
  expiryMonth: String(card.exp_month).padStart(2, '0'),
  expiryYear: String(card.exp_year),
  shopperReference: card.shopper,
  alias: card.fingerprint,
  aliasType: 'Default',
  supportedRecurringProcessingModels: ['CardOnFile', 'UnscheduledCardOnFile'],
});

export function serveAdyenStoredCards(app: PartyApp, psp: Psp, { merchantAccount }: AdyenSettings): void {
  app.post('/:version{v\\d+}/storedPaymentMethods', (c) =>
    answerWrite(c, psp, {
      schema: storeCardBody,
      merchantAccount,
      work({ paymentMethod, shopperReference }) {
        const card = psp.vault.store({
          id: pspReference(),
          number: paymentMethod.number,
          expMonth: Number(paymentMethod.expiryMonth),
          expYear: Number(paymentMethod.expiryYear),
          shopper: shopperReference,
        });
        return { answer: { status: 201, body: shown(card) } };
      },
    }),
  );

  app.get('/:version{v\\d+}/storedPaymentMethods', (c) => {
    const shopperReference = c.req.query('shopperReference') ?? '';
    return c.json({
      merchantAccount,
      shopperReference,
      storedPaymentMethods: psp.vault.ofShopper(shopperReference).map(shown),
    });
  });

  app.delete('/:version{v\\d+}/storedPaymentMethods/:id', (c) => {
    const card = psp.vault.find(c.req.param('id'));
    if (card === undefined || card.shopper !== c.req.query('shopperReference'))
      return send(c, adyenError(422, '800', 'Contract not found', 'validation'));
    psp.vault.remove(card.id);
    return c.body(null, 204);
  });
}
