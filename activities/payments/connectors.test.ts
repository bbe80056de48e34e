import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createServer } from 'node:net';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createPspConnectors, type PaymentOrder, type PspConnector } from './connectors.ts';

const alphaAccount = { apiKey: 'sk_test_connectors', webhookSecret: 'whsec_connectors' };
const betaAccount = { apiKey: 'beta-connectors', merchantAccount: 'PitbossTest', hmacKey: '0f'.repeat(32) };
const playerId = '0198c0de-0000-4000-8000-000000000001';

let directory: ReturnType<typeof createTemporaryDirectory>;
let parties: { alpha: PartyProcess; beta: PartyProcess };
let connectors: ReadonlyMap<string, PspConnector>;
let count = 0;

beforeAll(async () => {
  directory = createTemporaryDirectory();
  const [alpha, beta] = await Promise.all([
    startParty('psp', {
      DIALECT: 'stripe',
      STATE_DIR: directory.path,
      WEBHOOK_URL: 'http://127.0.0.1:9/nobody',
      API_KEY: alphaAccount.apiKey,
      WEBHOOK_SECRET: alphaAccount.webhookSecret,
    }),
    startParty('psp', {
      DIALECT: 'adyen',
      STATE_DIR: directory.path,
      WEBHOOK_URL: 'http://127.0.0.1:9/nobody',
      API_KEY: betaAccount.apiKey,
      MERCHANT_ACCOUNT: betaAccount.merchantAccount,
      HMAC_KEY: betaAccount.hmacKey,
    }),
  ]);
  parties = { alpha, beta };
  connectors = createPspConnectors(
    { alpha: { url: alpha.url, ...alphaAccount }, beta: { url: beta.url, ...betaAccount } },
    1_000,
  );
}, 30_000);

afterAll(async () => {
  await Promise.all([parties.alpha.stop(), parties.beta.stop()]);
  directory.remove();
});

beforeEach(async () => {
  await Promise.all([scenario('alpha', {}), scenario('beta', {})]);
});

const names = ['alpha', 'beta'] as const;
type Name = (typeof names)[number];

async function scenario(psp: Name, order: object): Promise<void> {
  const answer = await fetch(`${parties[psp].url}/_scenario`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  expect(answer.status).toBe(200);
}

const idIn = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
    ? value.id
    : 'no id';

async function tokenise(psp: Name, number: string): Promise<string> {
  const answer =
    psp === 'alpha'
      ? await fetch(`${parties.alpha.url}/v1/payment_methods`, {
          method: 'POST',
          headers: { authorization: 'Bearer pk_test_1', 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            type: 'card',
            'card[number]': number,
            'card[exp_month]': '12',
            'card[exp_year]': '2031',
            'card[cvc]': '123',
          }),
        })
      : await fetch(`${parties.beta.url}/v72/storedPaymentMethods`, {
          method: 'POST',
          headers: { 'x-api-key': 'test_client', 'content-type': 'application/json' },
          body: JSON.stringify({
            merchantAccount: betaAccount.merchantAccount,
            shopperReference: playerId,
            paymentMethod: { type: 'scheme', number, expiryMonth: '12', expiryYear: '2031', cvc: '737' },
          }),
        });
  return idIn(await answer.json());
}

const connectorOf = (psp: Name): PspConnector => {
  const connector = connectors.get(psp);
  if (!connector) throw new Error(`no connector ${psp}`);
  return connector;
};

async function orderFor(psp: Name, number: string, more: Partial<PaymentOrder> = {}): Promise<PaymentOrder> {
  count += 1;
  return {
    reference: `deposit:0198c0de-0000-4000-8000-${String(count).padStart(12, '0')}:a1`,
    playerId,
    money: { amount: '12.34', asset: 'EUR' },
    token: await tokenise(psp, number),
    returnUrl: 'http://127.0.0.1:1/return?t=abc',
    stepUp: false,
    pspReference: null,
    startedAt: new Date(),
    ageMs: 0,
    returned: null,
    evidence: [],
    ...more,
  };
}

async function chargesOf(psp: Name, reference: string): Promise<number> {
  const answer = await fetch(`${parties[psp].url}/_books`);
  const books: unknown = await answer.json();
  const movements: unknown =
    typeof books === 'object' && books !== null && 'movements' in books ? books.movements : [];
  if (!Array.isArray(movements)) throw new Error('no movements');
  return movements.filter(
    (row: { kind: string; reference: string }) => row.kind === 'charge' && row.reference === reference,
  ).length;
}

const shown = (outcome: PspOutcome) =>
  outcome.kind === 'declined' ? `${outcome.kind}:${outcome.declineClass}` : outcome.kind;

describe.each(names)('connector %s against the sandbox PSP', (psp) => {
  it('charges once, tells the processed amount, and says the same when asked again', async () => {
    const order = await orderFor(psp, '4242424242424242');
    const outcome = await connectorOf(psp).authorise(order);
    expect(outcome).toMatchObject({
      kind: 'approved',
      processed: { amount: '12.34', asset: 'EUR' },
      instrument: { token: order.token, last4: '4242', expiryMonth: 12, expiryYear: 2031 },
    });
    expect(await connectorOf(psp).status(order)).toEqual(outcome);
    expect(await chargesOf(psp, order.reference)).toBe(1);
  });

  it.each([
    ['4000000000000002', 'declined:generic'],
    ['4000000000009995', 'declined:soft_later'],
    ['4000000000000069', 'declined:fix_data'],
    ['4000000000009979', 'declined:hard_never'],
    ['4100000000000019', 'declined:psp_risk'],
    ['4000000000000119', 'declined:issuer_unavailable'],
    ['4000002500003155', 'declined:sca_required'],
    ['4000000000003220', 'action'],
  ])('card %s is %s', async (number, expected) => {
    expect(shown(await connectorOf(psp).authorise(await orderFor(psp, number)))).toBe(expected);
  });

  it.each([
    ['4000000000770034', 'silence after the charge'],
    ['4000000000770042', 'an error 500 after the charge'],
    ['4000000000770059', 'a connection cut after the charge'],
  ])('%s: %s is unknown, and the status finds the one charge', async (number) => {
    const order = await orderFor(psp, number);
    expect(shown(await connectorOf(psp).authorise(order))).toBe('unknown');
    expect(shown(await connectorOf(psp).status(order))).toBe('approved');
    expect(await chargesOf(psp, order.reference)).toBe(1);
  });

  it('a refused connection is proof that nothing was sent; a question that does not get through proves nothing', async () => {
    const port = await closedPort();
    const [dead] = createPspConnectors(
      psp === 'alpha'
        ? { alpha: { url: `http://127.0.0.1:${port}`, ...alphaAccount } }
        : { beta: { url: `http://127.0.0.1:${port}`, ...betaAccount } },
      1_000,
    ).values();
    if (!dead) throw new Error('no connector');
    const order = await orderFor(psp, '4242424242424242');
    expect(shown(await dead.authorise(order))).toBe('not_sent');
    expect(shown(await dead.status(order))).toBe('unknown');
  });

  it('a request turned away by rate limit was not processed', async () => {
    const order = await orderFor(psp, '4242424242424242');
    await scenario(psp, { mode: 'rate_limited' });
    expect(shown(await connectorOf(psp).authorise(order))).toBe('not_sent');
  });

  it('a challenge that is passed ends approved, one that is refused ends declined', async () => {
    for (const [outcome, expected] of [
      ['pass', 'approved'],
      ['fail', 'declined:not_authenticated'],
    ] as const) {
      const order = await orderFor(psp, '4000000000003220');
      const action = await connectorOf(psp).authorise(order);
      if (action.kind !== 'action') throw new Error(`expected an action, got ${action.kind}`);
      const page = await fetch(action.url, {
        method: 'POST',
        body: new URLSearchParams({ outcome }),
        redirect: 'manual',
      });
      const returned = Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams);
      const back = { ...order, pspReference: action.pspReference, returned };
      expect(shown(await connectorOf(psp).continueAfterAction(back))).toBe(expected);
      expect(shown(await connectorOf(psp).status(back))).toBe(expected);
      expect(await chargesOf(psp, order.reference)).toBe(outcome === 'pass' ? 1 : 0);
    }
  });

  it('a challenge that nobody took is cancelled', async () => {
    const order = await orderFor(psp, '4000000000003220');
    const action = await connectorOf(psp).authorise(order);
    const pspReference = 'pspReference' in action ? action.pspReference : null;
    expect(shown(await connectorOf(psp).cancel({ ...order, pspReference }))).toBe('cancelled');
    expect(await chargesOf(psp, order.reference)).toBe(0);
  });

  it('a payout is pending, never paid by the first answer', async () => {
    const order = await orderFor(psp, '4242424242424242');
    const payout = {
      ...order,
      reference: order.reference.replace('deposit', 'withdrawal').replace(':a', ':p'),
    };
    expect(shown(await connectorOf(psp).payout(payout))).toBe('pending');
  });

  it('a forged webhook is refused', () => {
    const headers = new Headers({ 'stripe-signature': 't=1,v1=00' });
    const result = connectorOf(psp).verifyWebhook(
      Buffer.from('{"id":"evt_1","notificationItems":[]}'),
      headers,
    );
    expect(result.ok ? 'taken' : result.failure.code).toBe('invalid-signature');
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
