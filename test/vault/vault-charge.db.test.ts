/** Connectors that charge a card of the vault: the PSP gets the number from the vault, the connector only names. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  createPspConnectors,
  type PaymentOrder,
  type PspConnector,
} from '#activities/payments/connectors.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { closedAddress } from '#test/conformance/psp-connector/psp-rig.ts';
import {
  callerSecret,
  adyenDestination,
  checkoutDestination,
  startVaultRig,
  stripeDestination,
  type VaultRig,
} from '#test/support/vault-rig.ts';

const directories = [createTemporaryDirectory(), createTemporaryDirectory(), createTemporaryDirectory()];
const hmacKey = '0f'.repeat(32);
let alpha: PartyProcess;
let beta: PartyProcess;
let gamma: PartyProcess;
let rig: VaultRig;
let count = 0;

const connectorsOf = (vault: { url: string; callerSecret: string } | undefined) =>
  createPspConnectors({
    alpha: { url: alpha.url, apiKey: 'sk_test_charge', webhookSecret: 'whsec_charge' },
    beta: { url: beta.url, apiKey: 'beta-charge', merchantAccount: 'PitbossTest', hmacKey },
    gamma: {
      url: gamma.url,
      apiKey: 'sk_sbox_charge',
      processingChannelId: 'pc_charge',
      currencyAccountId: 'ca_charge',
      webhookSecret: 'gamma-charge',
    },
    vault,
  });

const connector = (
  name: string,
  vault: { url: string; callerSecret: string } | undefined = { url: rig.url, callerSecret },
): PspConnector => connectorsOf(vault).get(name)!;

const tokenOf = async (number: string): Promise<string> => {
  const { body } = await rig.tokenise({
    number,
    expiryMonth: 12,
    expiryYear: 2031,
    cvc: number.startsWith('3') && number.length === 15 ? '1234' : '123',
  });
  return String(body['token']);
};

const orderOf = (token: string): PaymentOrder => {
  count += 1;
  return {
    reference: `deposit:0198c0de-0000-4000-8000-${String(count).padStart(12, '0')}:a1`,
    playerId: '0198c0de-0000-4000-8000-000000000001',
    money: { amount: '12.34', asset: 'EUR' },
    token,
    returnUrl: 'http://127.0.0.1:1/return?t=abc',
    stepUp: false,
    method: 'card',
    captureMode: 'automatic',
    threeDs: { want: 'no-preference', exemption: null, whenUnavailable: 'proceed' },
    portable: null,
    pspReference: null,
    sentAt: new Date(),
    ageMs: 0,
    returned: null,
    evidence: [],
  };
};

const chargesOf = async (psp: PartyProcess, reference: string): Promise<number> => {
  const books = (await (await fetch(`${psp.url}/_books`)).json()) as {
    movements: { kind: string; reference: string }[];
  };
  return books.movements.filter((row) => row.kind === 'charge' && row.reference === reference).length;
};

beforeAll(async () => {
  const common = { WEBHOOK_URL: 'http://127.0.0.1:1/none' };
  [alpha, beta, gamma] = await Promise.all([
    startParty('psp', {
      ...common,
      DIALECT: 'stripe',
      API_KEY: 'sk_test_charge',
      WEBHOOK_SECRET: 'whsec_charge',
      STATE_DIR: directories[0]!.path,
    }),
    startParty('psp', {
      ...common,
      DIALECT: 'adyen',
      API_KEY: 'beta-charge',
      MERCHANT_ACCOUNT: 'PitbossTest',
      HMAC_KEY: hmacKey,
      STATE_DIR: directories[2]!.path,
    }),
    startParty('psp', {
      ...common,
      DIALECT: 'checkout',
      API_KEY: 'sk_sbox_charge',
      WEBHOOK_SECRET: 'gamma-charge',
      PROCESSING_CHANNEL_ID: 'pc_charge',
      CURRENCY_ACCOUNT_ID: 'ca_charge',
      STATE_DIR: directories[1]!.path,
    }),
  ]);
  const { adminUrl, databasePrefix } = inject('testPostgres');
  rig = await startVaultRig({
    adminUrl,
    database: `${databasePrefix}_vault_${randomBytes(3).toString('hex')}`,
    destinations: [stripeDestination(alpha.url), adyenDestination(beta.url), checkoutDestination(gamma.url)],
    shopOrigins: ['http://shop.example'],
  });
});

afterAll(async () => {
  await rig?.stop();
  await Promise.all([alpha?.stop(), beta?.stop(), gamma?.stop()]);
  for (const directory of directories) directory.remove();
});

describe.each(['alpha', 'beta', 'gamma'])(
  'a charge at %s of a card of the vault',
  { timeout: 120_000 },
  (name) => {
    const psp = () => ({ alpha, beta, gamma })[name] ?? gamma;

    test('is approved, booked once, and leaves the name that the PSP gave the card', async () => {
      const order = orderOf(await tokenOf('4242424242424242'));
      const outcome = await connector(name).authorise(order);
      expect(outcome).toMatchObject({
        kind: 'approved',
        processed: order.money,
        instrument: { last4: '4242' },
      });
      const named = outcome.kind === 'approved' ? outcome.instrument?.token : '';
      expect(named).toMatch(name === 'beta' ? /^[A-Z0-9]{16}$/ : /^(pm|src)_/);
      expect(await chargesOf(psp(), order.reference)).toBe(1);
      expect(await connector(name).status({ ...order, ageMs: 1_000 })).toMatchObject({ kind: 'approved' });
    });

    test('one card is charged at several PSPs, and a declined one is declined', async () => {
      const token = await tokenOf('4000000000000002');
      expect(await connector(name).authorise(orderOf(token))).toMatchObject({
        kind: 'declined',
        declineClass: 'generic',
      });
    });

    test('asks for a challenge where the card wants one', async () => {
      const outcome = await connector(name).authorise(orderOf(await tokenOf('4000000000003220')));
      expect(outcome).toMatchObject({ kind: 'action', url: expect.stringContaining('http') });
    });

    test('is proven not sent while the vault is away, wrong, or not there', async () => {
      const token = await tokenOf('4242424242424242');
      const away = await closedAddress();
      const orders = [orderOf(token), orderOf(token), orderOf(token), orderOf(`vt_${'x'.repeat(26)}`)];
      expect(await connector(name, { url: away, callerSecret }).authorise(orders[0]!)).toEqual({
        kind: 'not_sent',
        reason: name === 'beta' ? 'connection refused (ECONNREFUSED)' : 'the card vault gave no answer',
      });
      expect(await connector(name, { url: rig.url, callerSecret: 'wrong' }).authorise(orders[1]!)).toEqual({
        kind: 'not_sent',
        reason: 'card vault: invalid-signature',
      });
      expect(await connectorsOf(undefined).get(name)!.authorise(orders[2]!)).toEqual({
        kind: 'not_sent',
        reason: 'no card vault is configured',
      });
      expect(await connector(name).authorise(orders[3]!)).toEqual({
        kind: 'not_sent',
        reason: 'card vault: unknown-token',
      });
      for (const { reference } of orders) expect(await chargesOf(psp(), reference)).toBe(0);
    });

    if (name === 'beta') return;
    // There the vault is asked for a payment method before the charge; at beta it carries the charge itself.
    test('is proven not sent when the vault dies in the middle, and goes through with the same order after', async () => {
      const order = orderOf(await tokenOf('4242424242424242'));
      await scenario(psp(), { mode: 'slow', latencyMs: 3_000 });
      const charging = connector(name).authorise(order);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await rig.vault().kill9();
      expect(await charging).toEqual({ kind: 'not_sent', reason: 'the card vault gave no answer' });
      expect(await chargesOf(psp(), order.reference)).toBe(0);
      await scenario(psp(), { mode: 'normal' });
      await rig.restart();
      const again = { ...order, reference: order.reference.replace(':a1', ':a2') };
      expect(await connector(name).authorise(again)).toMatchObject({ kind: 'approved' });
      expect(await chargesOf(psp(), again.reference)).toBe(1);
    });
  },
);

test('at beta a vault that dies in the middle proves nothing, and a repeat of the key tells what happened, once', async () => {
  const order = orderOf(await tokenOf('4242424242424242'));
  await scenario(beta, { mode: 'slow', latencyMs: 3_000 });
  const charging = connector('beta').authorise(order);
  await new Promise((resolve) => setTimeout(resolve, 800));
  await rig.vault().kill9();
  expect((await charging).kind).toBe('unknown');
  expect((await connector('beta').status({ ...order, ageMs: 1_000 })).kind).toBe('unknown');
  await scenario(beta, { mode: 'normal' });
  await rig.restart();
  // The security code died with the vault: the repeat has none, and Adyen tells its first answer all the same.
  await expect
    .poll(async () => (await connector('beta').status({ ...order, ageMs: 2_000 })).kind)
    .toBe('approved');
  expect(await chargesOf(beta, order.reference)).toBe(1);
}, 120_000);

test('a card in the request that Adyen refuses is declined for its data, and asks no other PSP', async () => {
  const order = orderOf(await tokenOf('3530111333300000'));
  expect(await connector('beta').authorise(order)).toMatchObject({
    kind: 'declined',
    declineClass: 'fix_data',
    rawCode: '101',
  });
  expect(await chargesOf(beta, order.reference)).toBe(0);
});

test('an order that comes a second time says that nothing is known, because the first may have charged', async () => {
  const order = orderOf(await tokenOf('4242424242424242'));
  expect(await connector('alpha').authorise(order)).toMatchObject({ kind: 'approved' });
  // The security code is forgotten by now, so the same key meets another body.
  expect(await connector('alpha').authorise(order)).toEqual({
    kind: 'unknown',
    reason: 'card prepared before',
  });
  expect(await connector('alpha').status({ ...order, ageMs: 1_000 })).toMatchObject({ kind: 'approved' });
  expect(await chargesOf(alpha, order.reference)).toBe(1);
});

test('a card that a PSP does not take is declined before any charge', async () => {
  const order = orderOf(await tokenOf('3530111333300000'));
  expect(await connector('alpha').authorise(order)).toMatchObject({
    kind: 'declined',
    rawCode: 'incorrect_number',
  });
  expect(await chargesOf(alpha, order.reference)).toBe(0);
});

async function scenario(psp: PartyProcess, order: object): Promise<void> {
  const answer = await fetch(`${psp.url}/_scenario`, { method: 'PUT', body: JSON.stringify(order) });
  if (!answer.ok) throw new Error(await answer.text());
}
