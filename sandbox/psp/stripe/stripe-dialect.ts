/** The PSP as Stripe: secret key for the server, publishable key for the browser, form bodies, events. */
import { cors } from 'hono/cors';
import type { PartyApp, PartyContext } from '../../support/party-server.ts';
import type { Dialect, Psp } from '../psp.ts';
import { prefixedId } from '../references.ts';
import type { StripeSettings } from '../settings.ts';
import {
  publishableKeyForbidden,
  rateLimited,
  unauthorized,
  unavailable,
  unknownRoute,
} from './stripe-errors.ts';
import { clientSecret } from './stripe-objects.ts';
import { serveStripeAccount } from './stripe-account.ts';
import { serveStripeDisputes } from './stripe-disputes.ts';
import { serveStripeFraudAlerts } from './stripe-fraud-alerts.ts';
import { serveStripePaymentMethods } from './stripe-payment-methods.ts';
import { intentAnswer, serveStripePayments } from './stripe-payments.ts';
import { serveStripePayouts } from './stripe-payouts.ts';
import { serveStripeReports } from './stripe-reports.ts';
import { serveStripeRefunds } from './stripe-refunds.ts';
import { send } from './stripe-requests.ts';
import { stripeNotices, stripeSignature } from './stripe-webhooks.ts';

/** Bearer, or Basic with the key as the user name. */
function presentedKey(c: PartyContext): string {
  const [scheme = '', value = ''] = (c.req.header('authorization') ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  return Buffer.from(value, 'base64').toString('utf8').split(':')[0] ?? '';
}

export function createStripeDialect({ apiKey, webhookSecret }: StripeSettings): Dialect {
  return {
    name: 'stripe',
    newChargeId: () => prefixedId('ch'),
    newDisputeId: () => prefixedId('du'),
    newFraudAlertId: () => prefixedId('issfr'),
    mount(app: PartyApp, psp: Psp) {
      // The player's browser calls from the shop's own origin.
      app.use('/v1/payment_methods', cors());
      app.use('/v1/*', async (c, next) => {
        const key = presentedKey(c);
        if (key === apiKey) return next();
        if (!key.startsWith('pk_')) return send(c, unauthorized);
        return c.req.method === 'POST' && c.req.path === '/v1/payment_methods'
          ? next()
          : send(c, publishableKeyForbidden);
      });
      serveStripePaymentMethods(app, psp);
      serveStripePayments(app, psp);
      serveStripeRefunds(app, psp);
      serveStripePayouts(app, psp);
      serveStripeDisputes(app, psp);
      serveStripeFraudAlerts(app, psp);
      serveStripeReports(app, psp);
      serveStripeAccount(app, psp);
      app.all('/v1/*', (c) => send(c, unknownRoute(c.req.method, c.req.path)));
    },
    notices: stripeNotices,
    sign: (body) => ({ 'stripe-signature': stripeSignature(body, webhookSecret, Date.now()) }),
    answerFor: (payment, psp) => intentAnswer(payment, psp),
    turnedAway: (mode) => (mode === 'outage' ? unavailable : rateLimited),
    finishChallenge(payment, passed, psp) {
      if (payment.status === 'challenge') psp.payments.finishChallenge(payment, passed);
      if (payment.return_url === null) return undefined;
      const back = new URL(payment.return_url);
      back.searchParams.set('payment_intent', payment.id);
      back.searchParams.set('payment_intent_client_secret', clientSecret(payment.id));
      back.searchParams.set('redirect_status', payment.status === 'declined' ? 'failed' : 'succeeded');
      return back.toString();
    },
  };
}
