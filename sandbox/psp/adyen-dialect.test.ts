/** The unmodified Adyen library against the PSP as a separate process; only its HTTP client is injected. */
import {
  CheckoutAPI,
  Client,
  Config,
  EnvironmentEnum,
  HttpClientException,
  hmacValidator,
  PayoutAPI,
  type Types,
} from '@adyen/api-library';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTemporaryDirectory, type PartyProcess, startParty } from '../support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const directory = createTemporaryDirectory();
const hmacKey = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const merchantAccount = 'PitbossSandbox';
const shopperReference = 'player-1';
let receiver: WebhookReceiver;
let psp: PartyProcess;
let checkout: CheckoutAPI;
let payouts: PayoutAPI;

type HttpClient = NonNullable<ConstructorParameters<typeof Client>[1]>;

/** The library knows its hosts by heart: the injected client is the only way to send it elsewhere. */
const httpClient: HttpClient = {
  async request(endpoint, json, config, _isApiKeyRequired, options = {}) {
    const url = endpoint
      .replace('https://checkout-test.adyen.com', `${psp.url}/checkout`)
      .replace('https://pal-test.adyen.com', psp.url);
    const response = await fetch(url, {
      method: options.method ?? 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': config.apiKey ?? '',
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
      },
      ...(options.method === 'GET' ? {} : { body: json.toString() }),
      signal: AbortSignal.timeout(config.connectionTimeoutMillis ?? 2000),
    });
    const body = await response.text();
    if (!response.ok) {
      const { errorCode } = JSON.parse(body) as { errorCode: string };
      throw new HttpClientException({
        message: `HTTP ${response.status}`,
        statusCode: response.status,
        errorCode,
        responseBody: body,
      });
    }
    return body;
  },
};

const sdkClient = (connectionTimeoutMillis = 2000) =>
  new Client(
    new Config({ apiKey: 'adyen-sandbox-key', environment: EnvironmentEnum.TEST, connectionTimeoutMillis }),
    httpClient,
  );

async function scenario(body: object): Promise<void> {
  expect((await fetch(`${psp.url}/_scenario`, { method: 'PUT', body: JSON.stringify(body) })).status).toBe(
    200,
  );
}

/** As the player's browser would: the client key, not the merchant's. */
async function cardToken(number: string): Promise<string> {
  const response = await fetch(`${psp.url}/checkout/v72/storedPaymentMethods`, {
    method: 'POST',
    headers: { 'x-api-key': 'test_client' },
    body: JSON.stringify({
      merchantAccount,
      shopperReference,
      recurringProcessingModel: 'CardOnFile',
      paymentMethod: { type: 'scheme', number, expiryMonth: '12', expiryYear: '2034' },
    }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

async function paymentRequest(
  number: string,
  reference: string,
  more: object = {},
): Promise<Types.checkout.PaymentRequest> {
  return {
    merchantAccount,
    reference,
    shopperReference,
    amount: { value: 2500, currency: 'EUR' },
    returnUrl: 'https://shop.example/back',
    paymentMethod: { type: 'scheme' as never, storedPaymentMethodId: await cardToken(number) },
    ...more,
  };
}

const pay = async (number: string, reference: string, more: object = {}, api = checkout) =>
  api.PaymentsApi.payments(await paymentRequest(number, reference, more), {
    idempotencyKey: `key-${reference}`,
  });

interface Notification {
  notificationItems: { NotificationRequestItem: Types.notification.NotificationRequestItem }[];
}
const itemOf = (body: string) => {
  const item = (JSON.parse(body) as Notification).notificationItems[0]?.NotificationRequestItem;
  if (item === undefined) throw new Error('an empty notification');
  return item;
};
const notified = async (eventCode: string, merchantReference: string) => {
  const { body } = await receiver.waitFor((webhook) => {
    const item = itemOf(webhook.body);
    return String(item.eventCode) === eventCode && item.merchantReference === merchantReference;
  });
  return itemOf(body);
};

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
  psp = await startParty('psp', {
    STATE_DIR: directory.path,
    DIALECT: 'adyen',
    API_KEY: 'adyen-sandbox-key',
    WEBHOOK_URL: receiver.url,
    HMAC_KEY: hmacKey,
    MERCHANT_ACCOUNT: merchantAccount,
  });
  checkout = new CheckoutAPI(sdkClient());
  payouts = new PayoutAPI(sdkClient());
});
afterAll(async () => {
  await psp.stop();
  await receiver.close();
  directory.remove();
});

test('a good card is authorised, and the library accepts the signature of the notification', async () => {
  const payment = await pay('4242424242424242', 'good');
  expect(payment).toMatchObject({ resultCode: 'Authorised', merchantReference: 'good' });
  expect(payment.pspReference).toMatch(/^[A-Z0-9]{16}$/);
  const item = await notified('AUTHORISATION', 'good');
  expect(item).toMatchObject({
    pspReference: payment.pspReference,
    success: 'true',
    amount: { value: 2500, currency: 'EUR' },
  });
  const validator = new hmacValidator();
  expect(validator.validateHMAC(item, hmacKey)).toBe(true);
  item.amount.value = 2501;
  expect(validator.validateHMAC(item, hmacKey)).toBe(false);
  expect(await booked('good')).toEqual([{ kind: 'charge', amount: '2500' }]);
});

test.each([
  ['4000000000000002', 'Refused', '2', '05 : Do not honor'],
  ['4000000000009995', 'Refused', '12', '51 : Insufficient funds/over credit limit'],
  ['4000000000009979', 'Refused', '5', '43 : Stolen card, pick-up'],
  ['4000000000770018', 'Refused', '8', '14 : Invalid card number'],
  ['4000000000000119', 'Error', '4', '96 : System malfunction'],
])('card %s ends as %s with code %s', async (number, resultCode, refusalReasonCode, refusalReasonRaw) => {
  const reference = `declined-${number}`;
  const payment = await pay(number, reference);
  expect(payment).toMatchObject({ resultCode, refusalReasonCode, additionalData: { refusalReasonRaw } });
  expect((await notified('AUTHORISATION', reference)).success).toBe('false');
  expect(await booked(reference)).toEqual([]);
});

test('a challenge is fetched once; a second time it was already processed', async () => {
  for (const [outcome, resultCode] of [
    ['pass', 'Authorised'],
    ['fail', 'Refused'],
  ] as const) {
    const payment = await pay('4000000000003220', `challenge-${outcome}`);
    expect(payment.resultCode).toBe('RedirectShopper');
    const { url = '', method } = payment.action as Types.checkout.CheckoutRedirectAction;
    expect(method).toBe('GET');
    expect(await (await fetch(url)).text()).toContain('<form');
    const back = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ outcome }),
      redirect: 'manual',
    });
    const redirectResult =
      new URL(back.headers.get('location') ?? '').searchParams.get('redirectResult') ?? '';
    expect(await booked(`challenge-${outcome}`)).toEqual([]);
    expect(await checkout.PaymentsApi.paymentsDetails({ details: { redirectResult } })).toMatchObject({
      resultCode,
      merchantReference: `challenge-${outcome}`,
    });
    await expect(checkout.PaymentsApi.paymentsDetails({ details: { redirectResult } })).rejects.toMatchObject(
      {
        statusCode: 409,
        errorCode: '704',
      },
    );
  }
});

test('a key gives its first answer again, also after a 500 for a card that was charged', async () => {
  const request = await paymentRequest('4000000000770042', 'error500');
  await expect(checkout.PaymentsApi.payments(request, { idempotencyKey: 'error500' })).rejects.toMatchObject({
    statusCode: 500,
  });
  expect(await checkout.PaymentsApi.payments(request, { idempotencyKey: 'error500' })).toMatchObject({
    resultCode: 'Authorised',
  });
  expect(await booked('error500')).toHaveLength(1);
});

test('silence: the same key tells later whether the card was charged', async () => {
  await scenario({ timeoutMs: 1000 });
  const impatient = new CheckoutAPI(sdkClient(150));
  const request = await paymentRequest('4000000000770034', 'silent');
  await expect(impatient.PaymentsApi.payments(request, { idempotencyKey: 'silent' })).rejects.toThrow();
  expect(await checkout.PaymentsApi.payments(request, { idempotencyKey: 'silent' })).toMatchObject({
    resultCode: 'Authorised',
  });
  expect(await booked('silent')).toHaveLength(1);
  await expect(pay('4000000000770026', 'silent-not', {}, impatient)).rejects.toThrow();
  expect(await booked('silent-not')).toEqual([]);
});

test('captures, refunds and cancels are received at once and notified later', async () => {
  const { pspReference = '' } = await pay('4242424242424242', 'manual', {
    additionalData: { manualCapture: 'true' },
  });
  expect(await booked('manual')).toEqual([]);
  const amount = { value: 2000, currency: 'EUR' };
  const capture = await checkout.ModificationsApi.captureAuthorisedPayment(pspReference, {
    merchantAccount,
    amount,
    reference: 'manual-capture',
  });
  expect(capture).toMatchObject({ status: 'received', paymentPspReference: pspReference });
  expect(await notified('CAPTURE', 'manual-capture')).toMatchObject({
    originalReference: pspReference,
    pspReference: capture.pspReference,
    success: 'true',
  });
  const refund = await checkout.ModificationsApi.refundCapturedPayment(pspReference, {
    merchantAccount,
    amount: { value: 500, currency: 'EUR' },
    reference: 'manual-refund',
  });
  const item = await notified('REFUND', 'manual-refund');
  expect(item.pspReference).toBe(refund.pspReference);
  expect(new hmacValidator().validateHMAC(item, hmacKey)).toBe(true);
  await expect(
    checkout.ModificationsApi.refundCapturedPayment(pspReference, { merchantAccount, amount }),
  ).rejects.toMatchObject({ statusCode: 422 });

  const other = await pay('4242424242424242', 'manual-cancel', { additionalData: { manualCapture: 'true' } });
  await checkout.ModificationsApi.cancelAuthorisedPaymentByPspReference(other.pspReference ?? '', {
    merchantAccount,
    reference: 'cancelled',
  });
  expect((await notified('CANCELLATION', 'cancelled')).originalReference).toBe(other.pspReference);
});

test('a payout is received, then notified as paid or as failed', async () => {
  await scenario({ payoutMs: 50 });
  for (const [number, success] of [
    ['4242424242424242', 'true'],
    ['4000000000770083', 'false'],
  ] as const) {
    const reference = `payout-${success}`;
    const payout = await payouts.InstantPayoutsApi.payout(
      {
        merchantAccount,
        reference,
        shopperReference,
        amount: { value: 1200, currency: 'EUR' },
        selectedRecurringDetailReference: await cardToken(number),
      },
      { idempotencyKey: reference },
    );
    expect(payout.resultCode).toBe('Received');
    expect(await notified('PAYOUT_THIRDPARTY', reference)).toMatchObject({
      pspReference: payout.pspReference,
      success,
    });
    expect(await booked(reference)).toHaveLength(success === 'true' ? 1 : 0);
  }
});

test('a token belongs to one shopper, a key to one merchant', async () => {
  await expect(pay('4242424242424242', 'stranger', { shopperReference: 'player-2' })).rejects.toMatchObject({
    statusCode: 422,
  });
  await expect(pay('4242424242424242', 'other-merchant', { merchantAccount: 'Other' })).rejects.toMatchObject(
    {
      statusCode: 403,
    },
  );
  const response = await fetch(`${psp.url}/checkout/v72/payments`, {
    method: 'POST',
    headers: { 'x-api-key': 'test_client' },
    body: '{}',
  });
  expect(response.status).toBe(401);
});
