/** The unmodified Stripe SDK against the PSP as a separate process. */
import Stripe from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTemporaryDirectory, type PartyProcess, startParty } from '../support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const directory = createTemporaryDirectory();
const webhookSecret = 'whsec_sandbox';
let receiver: WebhookReceiver;
let psp: PartyProcess;
let stripe: Stripe;
let browser: Stripe;

const environment = () => ({
  STATE_DIR: directory.path,
  DIALECT: 'stripe',
  API_KEY: 'sk_sandbox',
  WEBHOOK_URL: receiver.url,
  WEBHOOK_SECRET: webhookSecret,
});

function sdk(key: string, timeout = 2000): Stripe {
  return new Stripe(key, {
    host: '127.0.0.1',
    port: psp.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    timeout,
    telemetry: false,
  });
}

async function scenario(body: object): Promise<void> {
  const response = await fetch(`${psp.url}/_scenario`, { method: 'PUT', body: JSON.stringify(body) });
  expect(response.status).toBe(200);
}

async function cardToken(number: string): Promise<string> {
  const method = await browser.paymentMethods.create({
    type: 'card',
    card: { number, exp_month: 12, exp_year: 2034, cvc: '123' },
  });
  return method.id;
}

async function pay(
  number: string,
  reference: string,
  options: Partial<Stripe.PaymentIntentCreateParams> = {},
  client = stripe,
) {
  return client.paymentIntents.create(
    {
      amount: 2500,
      currency: 'eur',
      payment_method: await cardToken(number),
      confirm: true,
      metadata: { reference },
      return_url: 'https://shop.example/back',
      ...options,
    },
    { idempotencyKey: `key-${reference}` },
  );
}

async function refusalOf(work: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await work;
  } catch (error) {
    return error as Stripe.errors.StripeError;
  }
  throw new Error('was not refused');
}

const event = (body: string) => JSON.parse(body) as Stripe.Event;
const eventOf = (type: string, reference: string) =>
  receiver.waitFor(
    ({ body }) =>
      event(body).type === type &&
      (event(body).data.object as { metadata?: Record<string, string> }).metadata?.['reference'] ===
        reference,
  );

async function booked(reference: string): Promise<{ kind: string; amount: string }[]> {
  const books = (await (await fetch(`${psp.url}/_books`)).json()) as {
    movements: { reference: string; kind: string; amount: string }[];
  };
  return books.movements
    .filter((movement) => movement.reference === reference)
    .map(({ kind, amount }) => ({ kind, amount }));
}

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  psp = await startParty('psp', environment());
  stripe = sdk('sk_sandbox');
  browser = sdk('pk_sandbox');
});
afterAll(async () => {
  await psp.stop();
  await receiver.close();
  directory.remove();
});

test('a good card is charged, and the SDK accepts the signature of the webhook', async () => {
  const intent = await pay('4242424242424242', 'good');
  expect(intent).toMatchObject({ status: 'succeeded', amount_received: 2500, currency: 'eur' });
  const { body, headers } = await eventOf('payment_intent.succeeded', 'good');
  const verified = stripe.webhooks.constructEvent(body, String(headers['stripe-signature']), webhookSecret);
  expect(verified.type).toBe('payment_intent.succeeded');
  expect(() =>
    stripe.webhooks.constructEvent(
      body.replace('2500', '2501'),
      String(headers['stripe-signature']),
      webhookSecret,
    ),
  ).toThrow();
  expect(await booked('good')).toEqual([{ kind: 'charge', amount: '2500' }]);
});

test('a publishable key may store a card and nothing else', async () => {
  expect((await refusalOf(browser.paymentIntents.create({ amount: 1, currency: 'eur' }))).statusCode).toBe(
    403,
  );
  expect((await refusalOf(sdk('sk_other').balance.retrieve())).statusCode).toBe(401);
});

test('a stored card shows no number, and its fingerprint is the same twice', async () => {
  const [first, second] = await Promise.all(['4242424242424242', '4242424242424242'].map(cardToken)).then(
    (ids) => Promise.all(ids.map((id) => stripe.paymentMethods.retrieve(id))),
  );
  expect(first?.card?.fingerprint).toBe(second?.card?.fingerprint);
  expect(JSON.stringify(first)).not.toContain('4242424242424242');
  expect(JSON.stringify(psp.log)).not.toContain('4242424242424242');
});

test.each([
  ['4000000000000002', 'card_declined', 'generic_decline', '05'],
  ['4000000000009995', 'card_declined', 'insufficient_funds', '51'],
  ['4000000000009979', 'card_declined', 'stolen_card', '43'],
  ['4000000000770018', 'incorrect_number', 'incorrect_number', '14'],
  ['4000000000000119', 'processing_error', 'processing_error', '96'],
])('card %s is declined with %s', async (number, code, declineCode, networkCode) => {
  const error = await refusalOf(pay(number, `declined-${number}`));
  expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
  expect(error).toMatchObject({ code, decline_code: declineCode, statusCode: 402 });
  expect(error.payment_intent?.last_payment_error?.network_decline_code).toBe(networkCode);
  expect(error.payment_intent?.status).toBe('requires_payment_method');
  expect(await booked(`declined-${number}`)).toEqual([]);
});

test('a challenge sends the browser to a page whose form decides the payment', async () => {
  for (const [outcome, status] of [
    ['pass', 'succeeded'],
    ['fail', 'requires_payment_method'],
  ] as const) {
    const intent = await pay('4000000000003220', `challenge-${outcome}`);
    expect(intent.status).toBe('requires_action');
    const url = intent.next_action?.redirect_to_url?.url ?? '';
    expect(await (await fetch(url)).text()).toMatch(/25\.00 EUR[^]*<form/);
    const back = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ outcome }),
      redirect: 'manual',
    });
    expect(back.status).toBe(303);
    expect(back.headers.get('location')).toContain(`payment_intent=${intent.id}`);
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe(status);
  }
});

test('an idempotency key replays its first answer, and refuses other parameters', async () => {
  const token = await cardToken('4242424242424242');
  const params = {
    amount: 700,
    currency: 'eur',
    payment_method: token,
    confirm: true,
    metadata: { reference: 'twice' },
  };
  const first = await stripe.paymentIntents.create(params, { idempotencyKey: 'twice' });
  const second = await stripe.paymentIntents.create(params, { idempotencyKey: 'twice' });
  expect(second.id).toBe(first.id);
  expect(await booked('twice')).toHaveLength(1);
  const error = await refusalOf(
    stripe.paymentIntents.create({ ...params, amount: 701 }, { idempotencyKey: 'twice' }),
  );
  expect(error).toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
});

test('a 500 is replayed although the card was charged; the list by metadata tells the truth', async () => {
  const token = await cardToken('4000000000770042');
  const params = {
    amount: 900,
    currency: 'eur',
    payment_method: token,
    confirm: true,
    metadata: { reference: 'error500' },
  };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    expect(
      (await refusalOf(stripe.paymentIntents.create(params, { idempotencyKey: 'error500' }))).statusCode,
    ).toBe(500);
  }
  const listed = await stripe.paymentIntents.list({
    metadata: { reference: 'error500' },
  } as Stripe.PaymentIntentListParams);
  expect(listed.data.map((intent) => intent.status)).toEqual(['succeeded']);
  expect(await booked('error500')).toHaveLength(1);
});

test('silence: charged or not charged look the same to the caller', async () => {
  await scenario({ timeoutMs: 1000 });
  const impatient = sdk('sk_sandbox', 150);
  for (const [number, movements] of [
    ['4000000000770034', 1],
    ['4000000000770026', 0],
  ] as const) {
    const reference = `silent-${number}`;
    expect(await refusalOf(pay(number, reference, {}, impatient))).toBeInstanceOf(
      Stripe.errors.StripeConnectionError,
    );
    expect(await booked(reference)).toHaveLength(movements);
    const listed = await stripe.paymentIntents.list({
      metadata: { reference },
    } as Stripe.PaymentIntentListParams);
    expect(listed.data).toHaveLength(movements);
  }
});

test('a late success cannot be found at first, then it is charged and the key answers', async () => {
  await scenario({ lateMs: 4_000 });
  // The SDK repeats a request once by itself when its connection was cut, even with no retries allowed: the key is in use.
  expect(await refusalOf(pay('4000000000770067', 'late'))).toMatchObject({
    statusCode: 409,
    code: 'idempotency_key_in_use',
  });
  const find = async () =>
    (await stripe.paymentIntents.list({ metadata: { reference: 'late' } } as Stripe.PaymentIntentListParams))
      .data;
  expect(await find()).toEqual([]);
  await eventOf('payment_intent.succeeded', 'late');
  expect((await find()).map((intent) => intent.status)).toEqual(['succeeded']);
});

test('captures and cancels of an authorised payment', async () => {
  const intent = await pay('4242424242424242', 'manual', { capture_method: 'manual' });
  expect(intent).toMatchObject({ status: 'requires_capture', amount_capturable: 2500 });
  expect(await booked('manual')).toEqual([]);
  expect(await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 2000 })).toMatchObject({
    status: 'succeeded',
    amount_received: 2000,
  });
  expect((await refusalOf(stripe.paymentIntents.cancel(intent.id))).code).toBe(
    'payment_intent_unexpected_state',
  );
  const other = await pay('4242424242424242', 'manual-cancel', { capture_method: 'manual' });
  expect((await stripe.paymentIntents.cancel(other.id)).status).toBe('canceled');
});

test('refunds never exceed what was captured', async () => {
  const intent = await pay('4242424242424242', 'refund');
  const refund = await stripe.refunds.create({
    payment_intent: intent.id,
    amount: 1000,
    metadata: { reference: 'refund' },
  });
  expect((await stripe.refunds.retrieve(refund.id)).status).toBe('succeeded');
  expect(
    (await refusalOf(stripe.refunds.create({ payment_intent: intent.id, amount: 1501 }))).statusCode,
  ).toBe(400);
  await eventOf('charge.refunded', 'refund');
  expect(await booked('refund')).toEqual([
    { kind: 'charge', amount: '2500' },
    { kind: 'refund', amount: '1000' },
  ]);
});

test('a payout is pending, then paid; a card that takes none fails it', async () => {
  await scenario({ payoutMs: 50 });
  for (const [number, status] of [
    ['4242424242424242', 'paid'],
    ['4000000000770083', 'failed'],
  ] as const) {
    const payout = await stripe.payouts.create({
      amount: 1200,
      currency: 'eur',
      destination: await cardToken(number),
      method: 'instant',
      metadata: { reference: `payout-${status}` },
    });
    expect(payout.status).toBe('pending');
    await eventOf(`payout.${status}`, `payout-${status}`);
    expect((await stripe.payouts.retrieve(payout.id)).status).toBe(status);
    expect(await booked(`payout-${status}`)).toHaveLength(status === 'paid' ? 1 : 0);
  }
});

test('lost webhooks are still in the list of events, and can be sent after all', async () => {
  await scenario({ webhook: { lose: true } });
  const intent = await pay('4242424242424242', 'lost');
  const events = await stripe.events.list({ type: 'payment_intent.succeeded', limit: 1 });
  expect(events.data[0]?.data.object).toMatchObject({ id: intent.id });
  expect(receiver.received.some(({ body }) => body.includes('"lost"'))).toBe(false);
  await fetch(`${psp.url}/_scenario/webhooks/resend`, { method: 'POST' });
  await eventOf('payment_intent.succeeded', 'lost');
  const [euros] = (await stripe.balance.retrieve()).available;
  expect(euros).toMatchObject({ currency: 'eur' });
});

test('the scenario overrules the card, and two copies of each webhook carry one event id', async () => {
  await scenario({ mode: 'technical_decline', webhook: { copies: 2, reorder: true } });
  expect((await refusalOf(pay('4242424242424242', 'overruled'))).code).toBe('processing_error');
  await scenario({ mode: 'outage' });
  expect((await refusalOf(pay('4242424242424242', 'out'))).statusCode).toBe(503);
  await scenario({});
  const first = await eventOf('payment_intent.payment_failed', 'overruled');
  const copies = () => receiver.received.filter(({ body }) => event(body).id === event(first.body).id).length;
  await expect.poll(copies).toBe(2);
});

test('one card can be overruled, for a number of times', async () => {
  await scenario({ cards: { '4444': { behaviour: 'decline_generic', times: 1 } } });
  expect((await refusalOf(pay('5555555555554444', 'once'))).code).toBe('card_declined');
  expect((await pay('5555555555554444', 'once-more')).status).toBe('succeeded');
});

test('a closed port refuses connections for a while', async () => {
  await fetch(`${psp.url}/_scenario/refuse`, { method: 'POST', body: JSON.stringify({ durationMs: 250 }) });
  const failure = async () =>
    (await fetch(`${psp.url}/healthz`).catch((error: Error) => error.cause)) as { code?: string };
  await expect.poll(async () => (await failure()).code).toBe('ECONNREFUSED');
  await expect
    .poll(async () => (await fetch(`${psp.url}/healthz`).catch(() => undefined))?.status, { timeout: 2000 })
    .toBe(200);
});

test('a webhook that was not accepted is sent again after kill -9', async () => {
  receiver.answerWith(503);
  await pay('4242424242424242', 'killed');
  await eventOf('payment_intent.succeeded', 'killed');
  await psp.stop('SIGKILL');
  receiver.answerWith(200);
  const before = receiver.received.length;
  psp = await startParty('psp', environment());
  stripe = sdk('sk_sandbox');
  await receiver.waitFor(
    (webhook) => receiver.received.indexOf(webhook) >= before && webhook.body.includes('"killed"'),
  );
  expect(await booked('killed')).toHaveLength(1);
});
