/** The PSP as Checkout.com: JSON, a secret key as bearer, tokens by public key, one resource for charges and payouts. */
import { cors } from 'hono/cors';
import type { PartyApp } from '../../support/party-server.ts';
import { createPartyRoutes } from '../../support/party-server.ts';
import type { Dialect, Psp } from '../psp.ts';
import type { CheckoutSettings } from '../settings.ts';
import { forbidden, tooManyRequests, unauthorized, unavailable } from './checkout-errors.ts';
import { serveCheckoutDisputes } from './checkout-disputes.ts';
import { checkoutId } from './checkout-ids.ts';
import { failureUrlKey, requestAnswer } from './checkout-objects.ts';
import { expired, serveCheckoutPayments } from './checkout-payments.ts';
import { createReportAddresses, serveCheckoutReports, serveReportFiles } from './checkout-reports.ts';
import { send } from './checkout-requests.ts';
import { serveCheckoutTokens } from './checkout-sources.ts';
import { checkoutNotices, checkoutSignature } from './checkout-webhooks.ts';

export function createCheckoutDialect(settings: CheckoutSettings): Dialect {
  return {
    name: 'checkout',
    newChargeId: () => checkoutId('act'),
    newDisputeId: () => checkoutId('dsp'),
    newFraudAlertId: () => checkoutId('dsp'),
    mount(app: PartyApp, psp: Psp) {
      const api = createPartyRoutes();
      // The player's browser calls from the shop's own origin.
      api.use('/tokens', cors());
      api.use(async (c, next) => {
        const key = (c.req.header('authorization') ?? '').replace(/^bearer /i, '');
        if (key === settings.apiKey) return next();
        if (!key.startsWith('pk_')) return send(unauthorized);
        return c.req.method === 'POST' && c.req.path === '/tokens' ? next() : send(forbidden);
      });
      serveCheckoutTokens(api, psp);
      serveCheckoutPayments(api, psp, settings);
      serveCheckoutDisputes(api, psp);
      const addresses = createReportAddresses();
      serveCheckoutReports(api, addresses);
      serveReportFiles(app, psp, settings.processingChannelId, addresses);
      app.route('/', api);
    },
    notices: checkoutNotices,
    sign: (body) => ({ 'cko-signature': checkoutSignature(body, settings.webhookSecret) }),
    answerFor: requestAnswer,
    turnedAway: (mode) => (mode === 'outage' ? unavailable : tooManyRequests),
    finishChallenge(waiting, passed, psp) {
      const payment = expired(waiting, psp);
      if (payment.status === 'challenge') psp.payments.finishChallenge(payment, passed);
      const metadata = JSON.parse(payment.metadata) as Record<string, unknown>;
      const failureUrl = metadata[failureUrlKey];
      const isPaid = payment.status === 'authorised' || payment.status === 'captured';
      const address = isPaid || typeof failureUrl !== 'string' ? payment.return_url : failureUrl;
      if (address === null) return undefined;
      const back = new URL(address);
      back.searchParams.set('cko-session-id', checkoutId('sid'));
      back.searchParams.set('cko-payment-id', payment.id);
      return back.toString();
    },
  };
}
