/** The PSP as Adyen: JSON, an API key in a header, refusals with HTTP 200, notifications in an envelope. */
import { randomBytes } from 'node:crypto';
import { cors } from 'hono/cors';
import type { PartyApp } from '../../support/party-server.ts';
import { createPartyRoutes } from '../../support/party-server.ts';
import type { Dialect, Psp } from '../psp.ts';
import { pspReference } from '../references.ts';
import type { AdyenSettings } from '../settings.ts';
import { adyenError, unauthorized } from './adyen-errors.ts';
import { serveAdyenDisputes } from './adyen-disputes.ts';
import { serveAdyenModifications } from './adyen-modifications.ts';
import { paymentAnswer, serveAdyenPayments } from './adyen-payments.ts';
import { serveAdyenPayouts } from './adyen-payouts.ts';
import { serveAdyenReports } from './adyen-reports.ts';
import { send } from './adyen-requests.ts';
import { serveAdyenStoredCards } from './adyen-stored-cards.ts';
import { adyenNotices } from './adyen-webhooks.ts';

/** What a shop gives to the browser; it opens tokenisation and nothing else. */
const clientKeyPrefix = 'test_';

export function createAdyenDialect(settings: AdyenSettings): Dialect {
  return {
    name: 'adyen',
    newChargeId: pspReference,
    newDisputeId: pspReference,
    newFraudAlertId: pspReference,
    mount(app: PartyApp, psp: Psp) {
      const api = createPartyRoutes();
      api.use('/:version{v\\d+}/storedPaymentMethods', cors());
      api.use(async (c, next) => {
        const key = c.req.header('x-api-key') ?? '';
        if (key === settings.apiKey) return next();
        const tokenises = c.req.method === 'POST' && c.req.path.endsWith('/storedPaymentMethods');
        return tokenises && key.startsWith(clientKeyPrefix) ? next() : send(c, unauthorized());
      });
      serveAdyenStoredCards(api, psp, settings);
      serveAdyenPayments(api, psp, settings);
      serveAdyenModifications(api, psp, settings);
      serveAdyenPayouts(api, psp, settings);
      serveAdyenDisputes(api, psp, settings);
      serveAdyenReports(api, psp, settings);
      // The test host of the real API leaves "/checkout" out, the live one has it.
      app.route('/checkout', api);
      app.route('/', api);
    },
    notices: (fact, psp) => adyenNotices(fact, psp, settings),
    // The signature is inside each item.
    sign: () => ({}),
    answerFor: paymentAnswer,
    turnedAway: (mode) =>
      mode === 'outage'
        ? adyenError(503, '000', 'Service unavailable; the request was not processed', 'internal')
        : adyenError(429, '000', 'Too many requests', 'internal'),
    finishChallenge(payment, passed, psp) {
      if (payment.status === 'challenge')
        psp.payments.holdChallengeResult(
          payment,
          `${passed ? 'Y' : 'N'}${randomBytes(24).toString('base64url')}`,
        );
      if (payment.return_url === null || payment.redirect_result === null) return undefined;
      const back = new URL(payment.return_url);
      back.searchParams.set('redirectResult', payment.redirect_result);
      return back.toString();
    },
  };
}
