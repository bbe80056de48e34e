/** /v1/payment_intents and /v1/charges. */
import type { PartyApp } from '../../support/party-server.ts';
import type { StoredAnswer } from '../idempotency.ts';
import type { AskedOfIssuer } from '../authentications.ts';
import { type Psp, RequestLost } from '../psp.ts';
import { prefixedId } from '../references.ts';
import { minorUnits, Refusal } from '../refusal.ts';
import type { PaymentRow } from '../tables.ts';
import { type FormObject, listed, nested, parseForm, text, textFields } from './form-encoding.ts';
import { createdWithin, pageOf } from './stripe-lists.ts';
import { cardError, chargeObject, listObject, paymentIntentObject } from './stripe-objects.ts';
import { answerRead, answerWrite, type StripeResult } from './stripe-requests.ts';

export function intentAnswer(payment: PaymentRow, psp: Psp, expand: readonly string[] = []): StoredAnswer {
  const intent = paymentIntentObject(payment, psp, expand);
  if (payment.status !== 'declined') return { status: 200, body: intent };
  return { status: 402, body: { error: { ...cardError(payment, psp), payment_intent: intent } } };
}

function confirmed(payment: PaymentRow, psp: Psp, expand: readonly string[]): StripeResult {
  const { delivery, happened } = psp.payments.authorise(payment);
  if (!happened) throw new RequestLost(delivery === 'drop' ? 'drop' : 'silence');
  return { answer: intentAnswer(payment, psp, expand), delivery, answeredLater: payment.status === 'late' };
}

const cardOptions = (form: FormObject) => nested(nested(form, 'payment_method_options'), 'card');

const asksForThreeDs = (form: FormObject) =>
  ['any', 'challenge'].includes(text(cardOptions(form), 'request_three_d_secure') ?? '');

/** An authentication of another provider, and payments without the cardholder. */
function askedOfIssuer(form: FormObject): AskedOfIssuer {
  const imported = nested(cardOptions(form), 'three_d_secure');
  const cavv = text(imported, 'cryptogram');
  return {
    ...(text(form, 'off_session') === 'true' ? { exemption: 'mit' as const } : {}),
    ...(cavv === undefined
      ? {}
      : {
          imported: {
            cavv,
            status: text(imported, 'ares_trans_status') ?? 'Y',
            eci: text(imported, 'electronic_commerce_indicator') ?? '05',
            dsId: text(imported, 'transaction_id') ?? '',
            version: text(imported, 'version') ?? '2.2.0',
          },
        }),
  };
}

const wallets = ['paypal'];

function walletOf(form: FormObject): string | undefined {
  const type = text(nested(form, 'payment_method_data'), 'type');
  return type !== undefined && wallets.includes(type) ? type : undefined;
}

export function serveStripePayments(app: PartyApp, psp: Psp): void {
  app.post('/v1/payment_intents', (c) =>
    answerWrite(c, psp, (form, key) => {
      const currency = text(form, 'currency');
      if (currency === undefined)
        throw new Refusal('missing_parameter', 'Missing required param: currency.', 'currency');
      const metadata = textFields(nested(form, 'metadata'));
      const payment = psp.payments.create({
        id: prefixedId('pi'),
        reference: metadata['reference'] ?? null,
        cardId: text(form, 'payment_method') ?? null,
        amount: minorUnits(form['amount'], 'amount'),
        currency: currency.toUpperCase(),
        manualCapture: text(form, 'capture_method') === 'manual',
        threeDsAsked: asksForThreeDs(form),
        returnUrl: text(form, 'return_url') ?? null,
        shopper: text(form, 'customer') ?? null,
        metadata,
        description: text(form, 'description') ?? null,
        idempotencyKey: key,
        asked: askedOfIssuer(form),
        severalCaptures: text(cardOptions(form), 'request_multicapture') === 'if_available',
        wallet: walletOf(form),
      });
      const expand = listed(form, 'expand');
      if (text(form, 'confirm') === 'true') return confirmed(payment, psp, expand);
      return { answer: intentAnswer(payment, psp, expand) };
    }),
  );

  app.get('/v1/payment_intents', (c) =>
    answerRead(c, () => {
      const query = parseForm(new URL(c.req.url).search.slice(1));
      const limit = Math.min(100, Number(text(query, 'limit') ?? 10));
      // Filtering by metadata is this sandbox's extension; the real list cannot do it.
      const metadata = textFields(nested(query, 'metadata'));
      const all = psp.payments
        .list({ shopper: text(query, 'customer'), limit: 5000, metadata })
        .filter(createdWithin(query));
      const { page, hasMore } = pageOf(all, query, limit);
      return listObject(
        '/v1/payment_intents',
        page.map((payment) => paymentIntentObject(payment, psp)),
        hasMore,
      );
    }),
  );

  /** As the real one: eventually consistent, so a miss proves nothing. */
  app.get('/v1/payment_intents/search', (c) =>
    answerRead(c, () => {
      const query = c.req.query('query') ?? '';
      const metadata = Object.fromEntries(
        [...query.matchAll(/metadata\[(["'])(.+?)\1\]\s*:\s*(["'])(.*?)\3/g)].map((match) => [
          match[2] ?? '',
          match[4] ?? '',
        ]),
      );
      const status = /\bstatus\s*:\s*["'](\w+)["']/.exec(query)?.[1];
      const found = psp.payments
        .list({ limit: 100, metadata, createdBeforeMs: Date.now() - psp.scenario.current().searchLagMs })
        .map((payment) => paymentIntentObject(payment, psp))
        .filter((intent) => status === undefined || intent.status === status);
      return {
        object: 'search_result',
        url: '/v1/payment_intents/search',
        has_more: false,
        next_page: null,
        data: found,
      };
    }),
  );

  app.get('/v1/payment_intents/:id', (c) =>
    answerRead(c, () =>
      paymentIntentObject(
        psp.payments.must(c.req.param('id')),
        psp,
        listed(parseForm(new URL(c.req.url).search.slice(1)), 'expand'),
      ),
    ),
  );

  app.post('/v1/payment_intents/:id/confirm', (c) =>
    answerWrite(c, psp, (form, key) => {
      const payment = psp.payments.must(c.req.param('id'));
      if (payment.status !== 'created' && payment.status !== 'declined') {
        throw new Refusal(
          'invalid_state',
          `You cannot confirm this PaymentIntent because it has a status of ${paymentIntentObject(payment, psp).status}.`,
        );
      }
      const cardId = text(form, 'payment_method') ?? payment.card_id;
      if (cardId === null)
        throw new Refusal('missing_parameter', 'A payment method is required to confirm.', 'payment_method');
      psp.payments.prepareConfirm(payment, cardId, text(form, 'return_url') ?? null, key);
      return confirmed(payment, psp, listed(form, 'expand'));
    }),
  );

  app.post('/v1/payment_intents/:id/capture', (c) =>
    answerWrite(c, psp, (form) => {
      const amount =
        form['amount_to_capture'] === undefined
          ? undefined
          : minorUnits(form['amount_to_capture'], 'amount_to_capture');
      const id = c.req.param('id');
      if (psp.payments.failsToCapture(id))
        throw new Refusal('invalid_state', 'This authorisation has been reversed by the issuer.');
      const payment = psp.payments.capture(
        id,
        amount,
        prefixedId('cap'),
        null,
        text(form, 'final_capture') !== 'false',
      );
      const delivery = psp.scenario.current().modifyDelivery;
      return { answer: intentAnswer(payment, psp, listed(form, 'expand')), delivery };
    }),
  );

  app.post('/v1/payment_intents/:id/cancel', (c) =>
    answerWrite(c, psp, () => ({
      answer: intentAnswer(psp.payments.cancel(c.req.param('id'), prefixedId('can'), null), psp),
      delivery: psp.scenario.current().modifyDelivery,
    })),
  );

  app.get('/v1/charges/:id', (c) =>
    answerRead(c, () => {
      const payment = psp.store.one<PaymentRow>(
        'select * from payment where charge_id = ?',
        c.req.param('id'),
      );
      if (payment === undefined)
        throw new Refusal('not_found', `No such charge: '${c.req.param('id')}'`, 'id');
      return chargeObject(payment, psp);
    }),
  );
}
