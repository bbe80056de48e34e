/** The cashier end to end: the real API, the real workflows and both sandbox PSPs as processes of their own. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { serve, type ServerType } from '@hono/node-server';
import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createToken, hashToken } from '#activities/tokens.ts';
import { connectorsOf } from '#api/payments/webhook.ts';
import { fail, FailureError } from '#domain/failures.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { createTestApi, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { freePorts } from '#test/support/ports.ts';
import {
  createWorkflowEnvironment,
  describeWorkflows,
  type WorkflowEnvironment,
} from '#test/support/temporal.ts';
import { Secret } from '#workers/secret.ts';
import { redrivePayments } from '#workers/redrive-payments.ts';
import {
  balancesOf,
  keyPlayer,
  makePlayer,
  paymentActivities,
  testKeyRing,
  workItemsOf,
} from './payment-world.ts';

const webhookSecret = 'whsec_cashier';
const hmacKey = '0f'.repeat(32);
const merchantAccount = 'PitbossTest';

let database: TestDatabase;
let workflows: WorkflowEnvironment;
let app: TestApi;
let server: ServerType;
let directory: ReturnType<typeof createTemporaryDirectory>;
let psps: { alpha: PartyProcess; beta: PartyProcess };
let isTemporalAway = false;

async function scenario(psp: 'alpha' | 'beta', order: object): Promise<void> {
  const answer = await fetch(`${psps[psp].url}/_scenario`, {
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

/** As the shop's page does it: the number goes from the browser to the PSP and nowhere else. */
async function tokensFor(playerId: string, number: string) {
  const stored = await Promise.all([
    fetch(`${psps.alpha.url}/v1/payment_methods`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_test_1', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        type: 'card',
        'card[number]': number,
        'card[exp_month]': '12',
        'card[exp_year]': '2031',
        'card[cvc]': '123',
      }),
    }),
    fetch(`${psps.beta.url}/v72/storedPaymentMethods`, {
      method: 'POST',
      headers: { 'x-api-key': 'test_client', 'content-type': 'application/json' },
      body: JSON.stringify({
        merchantAccount,
        shopperReference: playerId,
        paymentMethod: { type: 'scheme', number, expiryMonth: '12', expiryYear: '2031', cvc: '737' },
      }),
    }),
  ]);
  const [alpha, beta] = await Promise.all(stored.map(async (answer) => idIn(await answer.json())));
  return [
    { psp: 'alpha', token: alpha },
    { psp: 'beta', token: beta },
  ];
}

async function signedInPlayer(): Promise<{ playerId: string; token: string }> {
  const playerId = await makePlayer(database.db);
  const token = createToken();
  const deviceId = randomUUID();
  const later = new Date(Date.now() + 3_600_000);
  await database.db.insertInto('pam.device').values({ playerId, deviceId }).execute();
  await database.db
    .insertInto('pam.session')
    .values({
      id: randomUUID(),
      tokenHash: hashToken(token),
      playerId,
      deviceId,
      idleExpiresAt: later,
      expiresAt: later,
    })
    .execute();
  return { playerId, token };
}

const run = <T>(fn: () => Promise<T>): Promise<T> =>
  workflows.runWorkflows({ activities: paymentActivitiesHere() }, fn);

const paymentActivitiesHere = () =>
  paymentActivities(database.db, connectorsOf(app.deps.config), app.deps.config.api.publicUrl);

async function pay(
  player: { playerId: string; token: string },
  number: string,
  key: string = randomUUID(),
  amount = '200.00',
) {
  const tokens = await tokensFor(player.playerId, number);
  const body = {
    money: { amount, asset: 'EUR' },
    instrument: { kind: 'card', tokens },
    returnUrl: 'http://shop.test/back',
  };
  return { body, key, answer: await app.send('POST', '/v1/deposits', body, { token: player.token, key }) };
}

/** Patient, because the machine may be busy and time is not skipped here. */
async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error('it did not come true in time');
    await delay(50);
  }
}

const nextUrl = (body: Record<string, unknown>): string => {
  const action = body['nextAction'];
  return typeof action === 'object' && action !== null && 'url' in action && typeof action.url === 'string'
    ? action.url
    : 'none';
};

const openNotices = async (): Promise<number> =>
  (
    await database.db
      .selectFrom('compliance.webhookInbox')
      .select('id')
      .where('processedAt', 'is', null)
      .execute()
  ).length;

describeWorkflows('the cashier', () => {
  beforeAll(async () => {
    directory = createTemporaryDirectory();
    const [port = 0] = await freePorts(1);
    const publicUrl = `http://127.0.0.1:${port}`;
    const party = { STATE_DIR: directory.path };
    const [alpha, beta, opened, environment] = await Promise.all([
      startParty('psp', {
        ...party,
        DIALECT: 'stripe',
        WEBHOOK_URL: `${publicUrl}/webhooks/psp/alpha`,
        API_KEY: 'sk_cashier',
        WEBHOOK_SECRET: webhookSecret,
      }),
      startParty('psp', {
        ...party,
        DIALECT: 'adyen',
        WEBHOOK_URL: `${publicUrl}/webhooks/psp/beta`,
        API_KEY: 'beta-cashier',
        MERCHANT_ACCOUNT: merchantAccount,
        HMAC_KEY: hmacKey,
      }),
      createTestDatabase({ connectionsMax: 10 }),
      createWorkflowEnvironment(),
    ]);
    [database, workflows] = [opened, environment];
    psps = { alpha, beta };
    const plain = await createTestApi(database);
    const config = {
      ...plain.deps.config,
      api: { ...plain.deps.config.api, publicUrl },
      psp: {
        alpha: { url: alpha.url, apiKey: new Secret('sk_cashier'), webhookSecret: new Secret(webhookSecret) },
        beta: {
          url: beta.url,
          apiKey: new Secret('beta-cashier'),
          merchantAccount,
          hmacKey: new Secret(hmacKey),
        },
        gamma: undefined,
      },
    };
    await plain.close();
    app = await createTestApi(database, {
      config,
      keyRing: testKeyRing,
      temporal: () =>
        isTemporalAway
          ? Promise.reject(new FailureError(fail('dependency-unavailable', 'Temporal is away.').failure))
          : Promise.resolve(workflows.client),
    });
    server = serve({ fetch: app.api.fetch, hostname: '127.0.0.1', port });
  }, 60_000);

  afterAll(async () => {
    server?.close();
    await Promise.all([psps?.alpha.stop(), psps?.beta.stop()]);
    directory?.remove();
    await app?.close();
    await workflows?.close();
    await database?.drop();
  }, 60_000);

  beforeEach(async () => {
    isTemporalAway = false;
    await Promise.all([scenario('alpha', {}), scenario('beta', {})]);
  });

  test('a deposit goes from a technical decline at one PSP over a challenge at the other to the wallet, and back to the card', async () => {
    const player = await signedInPlayer();
    await scenario('alpha', { mode: 'technical_decline' });
    await scenario('beta', { webhook: { copies: 2 } });
    await run(async () => {
      const { answer, body, key } = await pay(player, '4000000000003220');
      expect(answer.body).toMatchObject({ state: 'awaiting-action', nextAction: { type: 'redirect' } });
      const depositId = String(answer.body['depositId']);
      const repeat = await app.send('POST', '/v1/deposits', body, { token: player.token, key });
      expect(repeat.body).toEqual(answer.body);
      const other = await app.send(
        'POST',
        '/v1/deposits',
        { ...body, returnUrl: 'http://other.test/' },
        { token: player.token, key },
      );
      expect(`${other.status} ${String(other.body['code'])}`).toBe('422 idempotency-key-reused');

      const bank = await fetch(nextUrl(answer.body), {
        method: 'POST',
        body: new URLSearchParams({ outcome: 'pass' }),
        redirect: 'manual',
      });
      const back = await fetch(bank.headers.get('location') ?? '');
      expect(back.status).toBe(200);
      expect(await back.text()).toContain('data-state="captured"');
      const read = await app.send('GET', `/v1/deposits/${depositId}`, undefined, { token: player.token });
      expect(read.body).toMatchObject({ state: 'captured', money: { amount: '200.00', asset: 'EUR' } });
      await eventually(
        async () => (await openNotices()) === 0 && (await noticesOf(`deposit:${depositId}`)) > 0,
      );
      expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 200n, held: 0n });

      const again = await app.send('POST', '/v1/deposits', body, { token: player.token, key });
      expect(again.body).toMatchObject({ depositId, state: 'captured' });

      const cards = await app.send('GET', '/v1/instruments', undefined, { token: player.token });
      const [card] = z
        .object({ items: z.array(z.object({ instrumentId: z.string(), last4: z.string() })) })
        .parse(cards.body).items;
      expect(card?.last4).toBe('3220');
      await payOut(player, card?.instrumentId ?? '');

      const staff = await app.signInAs(['payments']);
      const timeline = await app.send('GET', `/admin/v1/deposits/${depositId}`, undefined, { token: staff });
      expect(timeline.body).toMatchObject({
        attempts: [
          { psp: 'alpha', state: 'declined', declineClass: 'issuer_unavailable' },
          { psp: 'beta', state: 'approved' },
        ],
        journals: [{ code: 'deposit.capture' }],
        workItems: [],
      });
    });
  }, 60_000);

  async function payOut(player: { playerId: string; token: string }, instrumentId: string): Promise<void> {
    const asked = await app.send(
      'POST',
      '/v1/withdrawals',
      { money: { amount: '150.00', asset: 'EUR' }, instrument: { instrumentId } },
      { token: player.token, key: randomUUID() },
    );
    expect(asked.body).toMatchObject({ state: 'awaiting-approval', isCancellable: true });
    const path = `/admin/v1/withdrawals/${String(asked.body['withdrawalId'])}`;
    const [ann, ben, support] = await Promise.all([
      app.signInAs(['payments']),
      app.signInAs(['payments-lead']),
      app.signInAs(['support']),
    ]);
    const shown = await app.send('GET', path, undefined, { token: ann });
    const decision = { decision: 'approve', reason: 'all in order', payloadHash: shown.body['payloadHash'] };
    const decide = (token: string) =>
      app.send('POST', `${path}/approvals`, decision, { token, key: randomUUID() });
    expect((await decide(support)).status).toBe(403);
    expect((await decide(ann)).body).toMatchObject({ state: 'awaiting-approval', approvals: 1 });
    expect((await decide(ann)).body).toMatchObject({ code: 'already-decided' });
    expect((await decide(ben)).status).toBe(200);
    await eventually(
      async () => (await app.send('GET', path, undefined, { token: ann })).body['state'] === 'paid',
    );
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
    const closed = await app.send('GET', path, undefined, { token: ann });
    expect(closed.body).toMatchObject({
      decisions: [{ decision: 'approve' }, { decision: 'approve' }],
      attempts: [{ psp: 'beta', state: 'paid' }],
      workItems: [],
    });
  }

  test('a deposit is refunded in part by two people, and its rest is disputed, answered with evidence and lost', async () => {
    const player = await signedInPlayer();
    await keyPlayer(database.db, player.playerId);
    const [ann, ben, support] = await Promise.all([
      app.signInAs(['payments']),
      app.signInAs(['payments-lead']),
      app.signInAs(['support']),
    ]);
    await run(async () => {
      const { answer } = await pay(player, '4242424242424242');
      expect(answer.body).toMatchObject({ state: 'captured' });
      const depositId = String(answer.body['depositId']);
      const refunds = `/admin/v1/deposits/${depositId}/refunds`;
      const body = { money: { amount: '150.00', asset: 'EUR' }, reason: 'asked for by the player' };
      const key = randomUUID();
      const ask = (token: string, given: object = body, by = key) =>
        app.send('POST', refunds, given, { token, key: by });
      expect((await ask(support)).status).toBe(403);
      const asked = await ask(ann);
      expect(asked.body).toMatchObject({ state: 'awaiting-approval', needsApproval: true });
      expect((await ask(ann)).body).toMatchObject({ refundId: asked.body['refundId'] });
      const other = await ask(ann, { ...body, reason: 'something else' });
      expect(`${other.status} ${String(other.body['code'])}`).toBe('422 idempotency-key-reused');
      const more = await ask(ann, body, randomUUID());
      expect(`${more.status} ${String(more.body['code'])}`).toBe('422 exceeds-captured');

      const path = `/admin/v1/refunds/${String(asked.body['refundId'])}`;
      const decision = {
        decision: 'approve',
        reason: 'as agreed',
        payloadHash: asked.body['payloadHash'],
      };
      const decide = (token: string) =>
        app.send('POST', `${path}/approvals`, decision, { token, key: randomUUID() });
      expect((await decide(ann)).status).toBe(403);
      expect((await decide(ben)).status).toBe(200);
      await eventually(
        async () => (await app.send('GET', path, undefined, { token: ann })).body['state'] === 'paid',
      );
      expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 50n, held: 0n });
      const timeline = await app.send('GET', path, undefined, { token: ann });
      expect(timeline.body).toMatchObject({ journals: [{ code: 'deposit.refund' }], workItems: [] });

      const opened = await fetch(`${psps.alpha.url}/_scenario/disputes`, {
        method: 'POST',
        body: JSON.stringify({ payment: `deposit:${depositId}:a1`, amount: 5_000 }),
      });
      const pspReference = idIn(await opened.json());
      const list = `/admin/v1/disputes?playerId=${player.playerId}`;
      const dispute = async () => {
        const page = await app.send('GET', list, undefined, { token: ann });
        return z
          .object({ items: z.array(z.object({ disputeId: z.string(), status: z.string() })) })
          .parse(page.body).items[0];
      };
      await eventually(async () => (await dispute())?.status === 'needs-response');
      await eventually(async () => (await balancesOf(database.db, player.playerId)).cash === 0n);
      const disputePath = `/admin/v1/disputes/${(await dispute())?.disputeId ?? ''}`;
      const evidence = {
        answer: 'evidence',
        evidence: 'The player was signed in from the device of his earlier deposits.',
        reason: 'the player was there',
      };
      const respond = (given: object) =>
        app.send('POST', `${disputePath}/answers`, given, { token: ann, key: randomUUID() });
      expect((await respond({ ...evidence, evidence: undefined })).status).toBe(400);
      const proposed = await respond(evidence);
      const { answers } = z
        .object({ answers: z.tuple([z.object({ answerId: z.uuid(), contentHash: z.string() })]) })
        .parse(proposed.body);
      const send = (token: string) =>
        app.send(
          'POST',
          `${disputePath}/answers/${answers[0].answerId}/decisions`,
          { decision: 'send', contentHash: answers[0].contentHash, reason: 'read and right' },
          { token, key: randomUUID() },
        );
      expect((await send(ann)).body).toMatchObject({ code: 'own-approval' });
      expect((await send(ben)).body).toMatchObject({ answers: [{ state: 'sent' }] });
      expect((await respond(evidence)).body).toMatchObject({ code: 'dispute-not-open' });
      await fetch(`${psps.alpha.url}/_scenario/disputes/${pspReference}`, {
        method: 'POST',
        body: JSON.stringify({ step: 'lose' }),
      });
      await eventually(async () => (await dispute())?.status === 'lost');
      const end = await app.send('GET', disputePath, undefined, { token: ann });
      expect(end.body).toMatchObject({
        movements: [{ kind: 'withdrawn', money: { amount: '50.00', asset: 'EUR' } }],
        journals: [{ code: 'chargeback.open' }, { code: 'chargeback.lose' }],
      });
    });
  }, 120_000);

  test.each(['alpha', 'beta'] as const)(
    'a deposit at %s whose fraud an issuer reports is refunded by two people before it is disputed',
    async (psp) => {
      const player = await signedInPlayer();
      const [ann, ben, support] = await Promise.all([
        app.signInAs(['payments']),
        app.signInAs(['payments-lead']),
        app.signInAs(['support']),
      ]);
      if (psp === 'beta') await scenario('alpha', { mode: 'technical_decline' });
      await run(async () => {
        const { answer } = await pay(player, '4242424242424242');
        const depositId = String(answer.body['depositId']);
        await eventually(async () => (await balancesOf(database.db, player.playerId)).cash === 200n);
        const attempt = psp === 'alpha' ? 1 : 2;
        const order = JSON.stringify({ payment: `deposit:${depositId}:a${attempt}` });
        const opened = await fetch(`${psps[psp].url}/_scenario/fraud-alerts`, {
          method: 'POST',
          body: order,
        });
        expect(opened.status).toBe(200);
        const list = `/admin/v1/payments/fraud-alerts?depositId=${depositId}`;
        const alert = async () => {
          const page = await app.send('GET', list, undefined, { token: ann });
          return z.object({ items: z.array(z.looseObject({ fraudAlertId: z.string() })) }).parse(page.body)
            .items[0];
        };
        await eventually(async () => typeof (await alert())?.['fraudType'] === 'string');
        const path = `/admin/v1/payments/fraud-alerts/${(await alert())?.fraudAlertId ?? ''}`;
        expect((await app.send('GET', path, undefined, { token: support })).body).toMatchObject({
          state: 'open',
          psp,
          attempt,
          journals: [],
          notices: [{ source: `psp:${psp}` }],
          workItems: [{ kind: 'fraud-alert', closedAt: null }],
        });
        const body = { reason: 'reported by the issuer' };
        const post = (what: string, token: string, key: string = randomUUID()) =>
          app.send('POST', `${path}/${what}`, body, { token, key });
        expect((await post('acceptances', support)).status).toBe(403);
        expect((await post('dismissals', support)).status).toBe(403);
        const key = randomUUID();
        const accepted = await post('acceptances', ann, key);
        expect(accepted.body).toMatchObject({ state: 'refunding' });
        expect((await post('acceptances', ann, key)).body['refundId']).toBe(accepted.body['refundId']);
        const late = await post('dismissals', ben);
        expect(`${late.status} ${String(late.body['code'])}`).toBe('409 fraud-alert-not-open');

        const refundPath = `/admin/v1/refunds/${String(accepted.body['refundId'])}`;
        const refund = (await app.send('GET', refundPath, undefined, { token: ann })).body;
        expect(refund).toMatchObject({
          state: 'awaiting-approval',
          money: { amount: '200.00', asset: 'EUR' },
        });
        const decision = { decision: 'approve', reason: 'as agreed', payloadHash: refund['payloadHash'] };
        const approvals = `${refundPath}/approvals`;
        await app.send('POST', approvals, decision, { token: ben, key: randomUUID() });
        await eventually(async () => (await alert())?.['state'] === 'refunded');
        expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 0n, held: 0n });
        const seen = await app.send('GET', `/admin/v1/deposits/${depositId}`, undefined, { token: ann });
        expect(seen.body).toMatchObject({ fraudAlerts: [{ state: 'refunded', psp }] });

        // The bank disputes it all the same: nothing is booked a second time.
        await fetch(`${psps[psp].url}/_scenario/disputes`, { method: 'POST', body: order });
        await eventually(async () => {
          const page = await app.send('GET', `/admin/v1/disputes?playerId=${player.playerId}`, undefined, {
            token: ann,
          });
          const { items } = z
            .object({ items: z.array(z.object({ disputeId: z.string() })) })
            .parse(page.body);
          const [dispute] = items;
          if (dispute === undefined) return false;
          const open = await workItemsOf(database.db, `dispute:${dispute.disputeId}`);
          return open.includes('dispute-unbooked:open');
        });
        expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 0n, held: 0n });
      });
    },
    120_000,
  );

  test('a charge whose answer was lost is found by its status and credited once', async () => {
    const player = await signedInPlayer();
    await run(async () => {
      const { answer } = await pay(player, '4000000000770042');
      expect(answer.body).toMatchObject({ state: 'processing' });
      const path = `/v1/deposits/${String(answer.body['depositId'])}`;
      await eventually(
        async () =>
          (await app.send('GET', path, undefined, { token: player.token })).body['state'] === 'captured',
      );
    });
    expect(await balancesOf(database.db, player.playerId)).toEqual({ cash: 200n, held: 0n });
  }, 60_000);

  test('a charge that Adyen only accepts is credited by its signed notification', async () => {
    const player = await signedInPlayer();
    await scenario('alpha', { mode: 'technical_decline' });
    await scenario('beta', { lateMs: 500 });
    await run(async () => {
      const { answer } = await pay(player, '4000000000770075');
      expect(answer.body).toMatchObject({ state: 'processing' });
      await eventually(async () => (await balancesOf(database.db, player.playerId)).cash === 200n);
    });
  }, 60_000);

  test('without Temporal the deposit is kept, answered with 503, and goes on with the same key or by the sweep', async () => {
    const player = await signedInPlayer();
    isTemporalAway = true;
    const { answer, body, key } = await pay(player, '4242424242424242');
    expect(`${answer.status} ${String(answer.body['code'])}`).toBe('503 dependency-unavailable');
    expect(answer.headers.get('retry-after')).toBe('2');
    const listed = await app.send('GET', '/v1/deposits', undefined, { token: player.token });
    expect(listed.body).toMatchObject({ items: [{ state: 'requested' }], next: null });
    const second = await pay(player, '4242424242424242');
    expect(second.answer.status).toBe(503);

    isTemporalAway = false;
    await run(async () => {
      expect((await app.send('POST', '/v1/deposits', body, { token: player.token, key })).body).toMatchObject(
        { state: 'captured' },
      );
      const young = await redrivePayments(workflows.client, database.db);
      expect(young.deposits).toBe(0);
      await database.ownerPool.query(
        `alter table payments.deposit disable trigger all; update payments.deposit set requested_at = requested_at - interval '1 minute'; alter table payments.deposit enable trigger all`,
      );
      expect((await redrivePayments(workflows.client, database.db)).deposits).toBe(1);
      await eventually(async () => (await balancesOf(database.db, player.playerId)).cash === 400n);
    });
  }, 60_000);

  test('webhooks are proven before they are read, stored once, and what is not ours goes to a person', async () => {
    const post = (psp: string, body: string, headers: Record<string, string> = {}) =>
      app.api.request(`/webhooks/psp/${psp}`, { method: 'POST', body, headers });
    const stored = async () =>
      (await database.db.selectFrom('compliance.webhookInbox').select('id').execute()).length;
    const before = await stored();
    const event = (reference: string, type = 'payment_intent.succeeded') =>
      JSON.stringify({
        id: `evt_${randomUUID()}`,
        object: 'event',
        type,
        created: 1,
        data: {
          object: {
            id: 'pi_1',
            metadata: { reference },
            billing_details: { email: 'secret@example.org' },
            number: '4242424242424242',
          },
        },
      });
    const signed = (payload: string, ageS = 0, secret = webhookSecret) => ({
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({
        payload,
        secret,
        timestamp: Math.floor(Date.now() / 1_000) - ageS,
      }),
    });

    const payload = event(`deposit:${randomUUID()}:a1`);
    expect((await post('alpha', payload)).status).toBe(401);
    expect((await post('alpha', payload, signed(payload, 0, 'whsec_wrong'))).status).toBe(401);
    expect((await post('alpha', payload.replace('pi_1', 'pi_2'), signed(payload))).status).toBe(401);
    const stale = await post('alpha', payload, signed(payload, 301));
    expect(await stale.json()).toMatchObject({ code: 'stale-signature' });
    expect((await post('beta', '{"notificationItems":[]}')).status).toBe(401);
    expect((await post('gamma', '{}')).status).toBe(404);
    expect(await stored()).toBe(before);

    expect((await post('alpha', payload, signed(payload))).status).toBe(200);
    expect((await post('alpha', payload, signed(payload))).status).toBe(200);
    expect(await stored()).toBe(before + 1);
    const rows = await database.db
      .selectFrom('compliance.webhookInbox')
      .select(['body', 'subject'])
      .orderBy('id', 'desc')
      .limit(1)
      .execute();
    expect(rows[0]?.subject).toBeNull();
    expect(rows[0]?.body).not.toMatch(/secret@example|4242424242424242/);
    const staff = await app.signInAs(['payments']);
    const items = await app.send('GET', '/admin/v1/payments/work-items', undefined, { token: staff });
    expect(items.text).toContain('unmatched-notice');
  });

  test('bad input is refused by name, and a card number never passes for a token', async () => {
    const player = await signedInPlayer();
    const tokens = await tokensFor(player.playerId, '4242424242424242');
    const body = {
      money: { amount: '50.00', asset: 'EUR' },
      instrument: { kind: 'card', tokens },
      returnUrl: 'http://shop.test/back',
    };
    const codes: [object, string][] = [
      [{ ...body, money: { amount: 50, asset: 'EUR' } }, '400 invalid-request'],
      [{ ...body, extra: 1 }, '400 invalid-request'],
      [
        { ...body, instrument: { kind: 'card', tokens: [{ psp: 'alpha', token: '4242424242424242' }] } },
        '400 invalid-request',
      ],
      [{ ...body, returnUrl: 'javascript:alert(1)' }, '400 invalid-request'],
      [{ ...body, money: { amount: '0.00', asset: 'EUR' } }, '400 amount-not-positive'],
      [{ ...body, money: { amount: '-5.00', asset: 'EUR' } }, '400 amount-not-positive'],
      [{ ...body, money: { amount: '1.001', asset: 'EUR' } }, '400 amount-too-precise'],
      [{ ...body, money: { amount: '99999999999', asset: 'EUR' } }, '400 amount-too-large'],
      [{ ...body, money: { amount: '5.00', asset: 'XXX' } }, '400 unknown-asset'],
      [{ ...body, money: { amount: '5.00', asset: 'USD' } }, '422 unsupported-asset'],
      [{ ...body, money: { amount: '1000.01', asset: 'EUR' } }, '422 deposit-limit-exceeded'],
      [
        { ...body, instrument: { kind: 'card', tokens: [{ psp: 'delta', token: 'tok_1' }] } },
        '422 payment-method-unavailable',
      ],
    ];
    for (const [given, expected] of codes) {
      const answer = await app.send('POST', '/v1/deposits', given, {
        token: player.token,
        key: randomUUID(),
      });
      expect(`${answer.status} ${String(answer.body['code'])}`).toBe(expected);
    }
    const keyless = await app.send('POST', '/v1/deposits', body, { token: player.token });
    expect(keyless.status).toBe(400);
    const stranger = await app.send('POST', '/v1/deposits', body, { key: randomUUID() });
    expect(stranger.status).toBe(401);
    const foreign = await app.send('GET', `/v1/deposits/${randomUUID()}`, undefined, { token: player.token });
    expect(foreign.status).toBe(404);
    const page = await app.send('GET', '/v1/deposits?after=nonsense', undefined, { token: player.token });
    expect(page.status).toBe(400);
  });
});

const noticesOf = async (subject: string): Promise<number> =>
  (
    await database.db
      .selectFrom('compliance.webhookInbox')
      .select('id')
      .where('subject', '=', subject)
      .execute()
  ).length;
