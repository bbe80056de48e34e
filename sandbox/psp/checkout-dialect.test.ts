/** The unmodified Checkout.com SDK against the PSP as a separate process. */
import { createHmac } from 'node:crypto';
import { Checkout } from 'checkout-sdk-node';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTemporaryDirectory, type PartyProcess, startParty } from '../support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

type Answer = {
  id: string;
  token: string;
  status: string;
  approved: boolean;
  response_code: string;
  action_id: string;
  source: { id: string };
  redirectLink: string;
  balances: { total_captured: number; total_refunded: number };
  data: { id: string; status: string }[];
};
type Failure = { http_code: number; body: { error_codes?: string[] } };
type Dispute = { id: string; status: string; evidence_required_by?: string; payment: { id: string } };
type Sdk = {
  disputes: {
    getDetails(id: string): Promise<Dispute>;
    accept(id: string): Promise<unknown>;
    provideEvidence(id: string, body: object): Promise<unknown>;
    submit(id: string): Promise<unknown>;
    submitArbitrationEvidence(id: string): Promise<unknown>;
  };
  reports: {
    getAllReports(query: object): Promise<{
      data: { id: string; from: string; files: { id: string; filename: string }[] }[];
    }>;
  };
  tokens: { request(body: object): Promise<Answer> };
  payments: {
    request(body: object, key?: string): Promise<Answer>;
    get(id: string): Promise<Answer>;
    getActions(id: string): Promise<{ type: string; response_code: string }[]>;
    getPaymentList(query: object): Promise<Answer>;
    capture(id: string, body: object, key?: string): Promise<Answer>;
    refund(id: string, body: object, key?: string): Promise<Answer>;
    void(id: string, body: object, key?: string): Promise<Answer>;
  };
};

const directory = createTemporaryDirectory();
const apiKey = 'sk_sbox_dialect';
const webhookSecret = 'gamma-dialect';
let receiver: WebhookReceiver;
let psp: PartyProcess;
let sdk: Sdk;

const environment = () => ({
  STATE_DIR: directory.path,
  DIALECT: 'checkout',
  API_KEY: apiKey,
  WEBHOOK_URL: receiver.url,
  WEBHOOK_SECRET: webhookSecret,
  PROCESSING_CHANNEL_ID: 'pc_dialect',
  CURRENCY_ACCOUNT_ID: 'ca_dialect',
});

const open = (key: string): Sdk =>
  new Checkout(key, { pk: 'pk_sbox_dialect', host: psp.url }) as unknown as Sdk;

async function scenario(body: object): Promise<void> {
  const response = await fetch(`${psp.url}/_scenario`, { method: 'PUT', body: JSON.stringify(body) });
  expect(response.status).toBe(200);
}

const cardToken = async (number: string): Promise<string> =>
  (await sdk.tokens.request({ type: 'card', number, expiry_month: 12, expiry_year: 2034, cvv: '123' })).token;

const order = (source: object, reference: string, more: object = {}) => ({
  source,
  amount: 2500,
  currency: 'EUR',
  reference,
  processing_channel_id: 'pc_dialect',
  success_url: 'https://shop.example/good',
  failure_url: 'https://shop.example/bad',
  ...more,
});

const pay = async (number: string, reference: string, more: object = {}): Promise<Answer> =>
  sdk.payments.request(
    order({ type: 'token', token: await cardToken(number) }, reference, more),
    `key-${reference}`,
  );

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    return error as Failure;
  }
  throw new Error('was not refused');
}

const eventOf = (type: string, reference: string) =>
  receiver.waitFor(({ body }) => {
    const event = JSON.parse(body) as { type: string; data: { reference?: string } };
    return event.type === type && event.data.reference === reference;
  });

async function booked(reference: string): Promise<string[]> {
  const books = (await (await fetch(`${psp.url}/_books`)).json()) as {
    movements: { reference: string; kind: string; amount: string }[];
  };
  return books.movements
    .filter((movement) => movement.reference === reference)
    .map(({ kind, amount }) => `${kind} ${amount}`);
}

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  psp = await startParty('psp', environment());
  sdk = open(apiKey);
}, 30_000);
afterAll(async () => {
  await psp.stop();
  await receiver.close();
  directory.remove();
});
beforeEach(() => scenario({}));

test('a good card is authorised and captured, and the webhook is signed over its raw body', async () => {
  const answer = await pay('4242424242424242', 'good');
  expect(answer).toMatchObject({ status: 'Authorized', approved: true, response_code: '10000' });
  expect(await sdk.payments.get(answer.id)).toMatchObject({
    status: 'Captured',
    balances: { total_captured: 2500 },
  });
  const { body, headers } = await eventOf('payment_captured', 'good');
  expect(headers['cko-signature']).toBe(createHmac('sha256', webhookSecret).update(body).digest('hex'));
  expect(await booked('good')).toEqual(['charge 2500']);
});

test('a public key may make tokens and nothing else; a wrong key may do nothing', async () => {
  const charge = order({ type: 'id', id: 'src_none' }, 'forbidden');
  expect((await failureOf(open('pk_sbox_other').payments.request(charge))).http_code).toBe(403);
  expect((await failureOf(open('sk_sbox_other').payments.request(charge))).http_code).toBe(401);
});

test('a token is charged once and leaves a source that stays', async () => {
  const token = await cardToken('4242424242424242');
  const first = await sdk.payments.request(order({ type: 'token', token }, 'token-1'));
  const second = await failureOf(sdk.payments.request(order({ type: 'token', token }, 'token-2')));
  expect(second).toMatchObject({ http_code: 422, body: { error_codes: ['token_used'] } });
  const third = await sdk.payments.request(order({ type: 'id', id: first.source.id }, 'token-3'));
  expect(third.approved).toBe(true);
});

test.each([
  ['4000000000000002', '20005'],
  ['4000000000009995', '20051'],
  ['4000000000009979', '30043'],
  ['4100000000000019', '40101'],
  ['4000002500003155', '20154'],
])('card %s is declined with %s, in the answer and in the actions', async (number, code) => {
  const answer = await pay(number, `decline-${code}`);
  expect(answer).toMatchObject({ status: 'Declined', approved: false, response_code: code });
  expect(await sdk.payments.getActions(answer.id)).toMatchObject([
    { type: 'Authorization', response_code: code },
  ]);
});

test('a challenge redirects, and each answer leads back to its own address', async () => {
  for (const [outcome, status, path] of [
    ['pass', 'Captured', '/good'],
    ['fail', 'Declined', '/bad'],
  ] as const) {
    const answer = await pay('4000000000003220', `challenge-${outcome}`);
    expect(answer.status).toBe('Pending');
    const page = await fetch(answer.redirectLink, {
      method: 'POST',
      body: new URLSearchParams({ outcome }),
      redirect: 'manual',
    });
    const back = new URL(page.headers.get('location') ?? '');
    expect(back.pathname).toBe(path);
    expect(back.searchParams.get('cko-session-id')).toMatch(/^sid_/);
    expect((await sdk.payments.get(answer.id)).status).toBe(status);
  }
});

test('a challenge that nobody answered expires and takes no late answer', async () => {
  const answer = await pay('4000000000003220', 'expired');
  await scenario({ challengeMs: 0 });
  await fetch(answer.redirectLink, {
    method: 'POST',
    body: new URLSearchParams({ outcome: 'pass' }),
    redirect: 'manual',
  });
  expect((await sdk.payments.get(answer.id)).status).toBe('Expired');
  expect(await booked('expired')).toEqual([]);
  await eventOf('payment_expired', 'expired');
});

test('a good answer is kept under its key; after a 500 the same key charges again', async () => {
  const token = await cardToken('4242424242424242');
  const charge = order({ type: 'token', token }, 'kept');
  const first = await sdk.payments.request(charge, 'kept');
  expect((await sdk.payments.request(charge, 'kept')).id).toBe(first.id);
  expect(await booked('kept')).toEqual(['charge 2500']);

  const again = order({ type: 'id', id: first.source.id }, 'again');
  await scenario({ mode: 'error_500_charged' });
  expect((await failureOf(sdk.payments.request(again, 'again'))).http_code).toBe(500);
  await scenario({});
  await sdk.payments.request(again, 'again');
  expect(await booked('again')).toEqual(['charge 2500', 'charge 2500']);
});

test('a late payment keeps its key in use, is not found, and is found by its reference once it is there', async () => {
  await scenario({ lateMs: 3_000 });
  const token = await cardToken('4000000000770067');
  const late = order({ type: 'token', token }, 'late');
  await failureOf(sdk.payments.request(late, 'late'));
  expect((await failureOf(sdk.payments.request(late, 'late'))).http_code).toBe(409);
  expect((await sdk.payments.getPaymentList({ reference: 'late' })).data).toEqual([]);
  await eventOf('payment_captured', 'late');
  expect((await sdk.payments.getPaymentList({ reference: 'late' })).data).toMatchObject([
    { status: 'Captured' },
  ]);
  expect((await sdk.payments.request(late, 'late')).status).toBe('Authorized');
});

test('authorised only, then captured in part or voided; refunds never exceed the capture', async () => {
  const part = await pay('4242424242424242', 'part', { capture: false });
  await sdk.payments.capture(part.id, { amount: 2000 }, 'part-c');
  await sdk.payments.refund(part.id, { amount: 500, reference: 'part-r' }, 'part-r');
  expect(await sdk.payments.get(part.id)).toMatchObject({
    status: 'Partially Refunded',
    balances: { total_captured: 2000, total_refunded: 500 },
  });
  expect(await failureOf(sdk.payments.refund(part.id, { amount: 1501 }))).toMatchObject({
    http_code: 422,
    body: { error_codes: ['amount_exceeds_balance'] },
  });
  const voided = await pay('4242424242424242', 'voided', { capture: false });
  await sdk.payments.void(voided.id, {});
  expect((await sdk.payments.get(voided.id)).status).toBe('Voided');
  expect((await failureOf(sdk.payments.void(part.id, {}))).http_code).toBe(403);
});

test('a payout from the currency account is pending, then paid or declined', async () => {
  const { source } = await pay('4242424242424242', 'paid-in');
  const payout = (id: string, reference: string) => ({
    source: { type: 'currency_account', id: 'ca_dialect' },
    destination: { type: 'id', id },
    amount: 900,
    currency: 'EUR',
    reference,
    processing_channel_id: 'pc_dialect',
  });
  expect((await sdk.payments.request(payout(source.id, 'out'), 'out')).status).toBe('Pending');
  await eventOf('payment_paid', 'out');
  expect(await booked('out')).toEqual(['payout 900']);
  const { source: refusing } = await pay('4000000000770083', 'paid-in-too');
  await sdk.payments.request(payout(refusing.id, 'out-declined'), 'out-declined');
  await eventOf('payment_declined', 'out-declined');
  expect(await booked('out-declined')).toEqual([]);
});

test('what was paid and which keys were used survive a kill', async () => {
  const answer = await pay('4242424242424242', 'survives');
  await psp.stop('SIGKILL');
  psp = await startParty('psp', environment());
  sdk = open(apiKey);
  expect((await sdk.payments.get(answer.id)).status).toBe('Captured');
  expect(
    (await sdk.payments.request(order({ type: 'id', id: 'src_x' }, 'survives'), 'key-survives')).id,
  ).toBe(answer.id);
});

async function steer<Answer>(path: string, body: object): Promise<Answer> {
  const answer = await fetch(`${psp.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answer;
}

const disputeEvent = (type: string, id: string) =>
  receiver.waitFor(({ body }) => {
    const event = JSON.parse(body) as { type: string; data: { id: string } };
    return event.type === type && event.data.id === id;
  });

test('a dispute is received with a deadline, answered, won, taken to arbitration and lost, each told by its event', async () => {
  const paid = await pay('4242424242424242', 'disputed');
  const { id } = await steer<{ id: string }>('/_scenario/disputes', { payment: 'disputed' });
  await disputeEvent('dispute_received', id);
  const required = await disputeEvent('dispute_evidence_required', id);
  expect(required.headers['cko-signature']).toBe(
    createHmac('sha256', webhookSecret).update(required.body).digest('hex'),
  );
  expect(JSON.parse(required.body)).toMatchObject({
    data: { payment_id: paid.id, payment_reference: 'disputed', amount: 2500, currency: 'EUR' },
  });
  expect(await sdk.disputes.getDetails(id)).toMatchObject({
    status: 'evidence_required',
    evidence_required_by: expect.any(String),
    payment: { id: paid.id },
  });
  // Nothing to submit yet, and too long a text is none.
  expect(await failureOf(sdk.disputes.submit(id))).toMatchObject({ http_code: 422 });
  const long = { additional_evidence_text: 'x'.repeat(501) };
  expect(await failureOf(sdk.disputes.provideEvidence(id, long))).toMatchObject({ http_code: 422 });
  await sdk.disputes.provideEvidence(id, { additional_evidence_text: 'He was there.' });
  await sdk.disputes.submit(id);
  await disputeEvent('dispute_evidence_submitted', id);
  await disputeEvent('dispute_evidence_acknowledged_by_scheme', id);
  expect(await sdk.disputes.getDetails(id)).toMatchObject({ status: 'evidence_under_review' });
  expect(await failureOf(sdk.disputes.submit(id))).toMatchObject({ http_code: 422 });
  for (const [step, event, status] of [
    ['win', 'dispute_won', 'won'],
    ['second', 'dispute_arbitration_sent_to_scheme', 'arbitration_under_review'],
    ['lose', 'dispute_arbitration_lost', 'arbitration_lost'],
  ] as const) {
    await steer(`/_scenario/disputes/${id}`, { step });
    await disputeEvent(event, id);
    expect(await sdk.disputes.getDetails(id)).toMatchObject({ status });
  }
  expect(await booked('disputed')).toEqual([
    'charge 2500',
    'dispute 2500',
    'dispute_reversal 2500',
    'dispute 2500',
  ]);
});

test.each([
  ['cancel', 'canceled'],
  ['expire', 'expired'],
] as const)('a dispute that the bank lets %s is %s, and its event says so', async (step, status) => {
  await pay('4242424242424242', `ends-${step}`);
  const { id } = await steer<{ id: string }>('/_scenario/disputes', { payment: `ends-${step}` });
  await steer(`/_scenario/disputes/${id}`, { step });
  await disputeEvent(`dispute_${status}`, id);
  expect(await sdk.disputes.getDetails(id)).toMatchObject({ status });
});

test('an accepted dispute is over, and an inquiry is nothing that this PSP has', async () => {
  await pay('4242424242424242', 'given-in');
  const { id } = await steer<{ id: string }>('/_scenario/disputes', { payment: 'given-in' });
  await sdk.disputes.accept(id);
  await disputeEvent('dispute_accepted', id);
  expect(await sdk.disputes.getDetails(id)).toMatchObject({ status: 'accepted' });
  expect(await failureOf(sdk.disputes.accept(id))).toMatchObject({ http_code: 403 });
  const inquiry = await fetch(`${psp.url}/_scenario/disputes`, {
    method: 'POST',
    body: JSON.stringify({ payment: 'given-in', stage: 'inquiry' }),
  });
  expect(inquiry.status).toBe(409);
});

test('the financial actions of a day are found among the reports, and their file lies where no key is taken', async () => {
  const paid = await pay('4242424242424242', 'settled');
  const day = new Date().toISOString().slice(0, 10);
  const { data } = await sdk.reports.getAllReports({ created_after: `${day}T00:00:00Z` });
  const [report] = data;
  expect(report).toMatchObject({ from: `${day}T00:00:00Z` });
  const file = report?.files[0];
  expect(file?.filename).toMatch(/^financial-actions_/);
  const path = `/reports/${report?.id}/files/${file?.id}`;
  const sent = await fetch(`${psp.url}${path}`, {
    headers: { authorization: `Bearer ${apiKey}` },
    redirect: 'manual',
  });
  expect(sent.status).toBe(302);
  const address = new URL(sent.headers.get('location') ?? '', psp.url);
  expect((await fetch(address, { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(400);
  const lines = (await (await fetch(address)).text()).split('\r\n');
  expect(lines[0]).toContain('Action Type,Action ID,Payment ID');
  expect(lines.filter((line) => line.includes(paid.id))).toEqual([
    expect.stringContaining(',Capture,25.00,25.00,'),
    expect.stringContaining(',Gateway Fixed Fee,-0.60,-0.60,'),
  ]);
});
