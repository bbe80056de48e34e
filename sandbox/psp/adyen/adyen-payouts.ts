/** The Payout API: instant card payouts, and the two-step third-party payouts with a review in between. */
import type { PartyApp } from '../../support/party-server.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { pspReference } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import type { AdyenSettings } from '../settings.ts';
import type { z } from 'zod';
import { payoutBody, reviewBody } from './adyen-bodies.schema.ts';
import { answerWrite } from './adyen-requests.ts';

export function serveAdyenPayouts(app: PartyApp, psp: Psp, { merchantAccount }: AdyenSettings): void {
  const base = '/pal/servlet/Payout/:version{v\\d+}';

  function submit(body: z.infer<typeof payoutBody>, waitsForConfirmation: boolean) {
    const destination =
      body.selectedRecurringDetailReference ?? body.paymentMethod?.storedPaymentMethodId ?? null;
    if (destination === null)
      throw new Refusal(
        'missing_parameter',
        "Required field 'selectedRecurringDetailReference' is not provided.",
      );
    const card = psp.vault.find(destination);
    if (card !== undefined && body.shopperReference !== undefined && card.shopper !== body.shopperReference) {
      throw new Refusal('not_found', 'Contract not found', 'destination');
    }
    const { payout, delivery, happened } = psp.payouts.submit({
      id: pspReference(),
      reference: body.reference,
      destination,
      amount: minorUnits(body.amount.value, 'amount.value'),
      currency: body.amount.currency,
      shopper: body.shopperReference ?? null,
      metadata: {},
      description: null,
      waitsForConfirmation,
    });
    if (!happened) throw new RequestLost(delivery === 'drop' ? 'drop' : 'silence');
    const resultCode = waitsForConfirmation ? '[payout-submit-received]' : 'Received';
    return { answer: { status: 200, body: { pspReference: payout.id, resultCode } }, delivery };
  }

  app.post(`${base}/payout`, (c) =>
    answerWrite(c, psp, { schema: payoutBody, merchantAccount, work: (body) => submit(body, false) }),
  );
  app.post(`${base}/submitThirdParty`, (c) =>
    answerWrite(c, psp, { schema: payoutBody, merchantAccount, work: (body) => submit(body, true) }),
  );

  app.post(`${base}/confirmThirdParty`, (c) =>
    answerWrite(c, psp, {
      schema: reviewBody,
      merchantAccount,
      work(body) {
        psp.payouts.confirm(body.originalReference);
        return {
          answer: {
            status: 200,
            body: { pspReference: pspReference(), response: '[payout-confirm-received]' },
          },
        };
      },
    }),
  );

  app.post(`${base}/declineThirdParty`, (c) =>
    answerWrite(c, psp, {
      schema: reviewBody,
      merchantAccount,
      work(body) {
        psp.payouts.cancel(body.originalReference);
        return {
          answer: {
            status: 200,
            body: { pspReference: pspReference(), response: '[payout-decline-received]' },
          },
        };
      },
    }),
  );
}
