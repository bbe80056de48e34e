/** Holds, corrections, exchanges and statements through the API: who may, what is shown, and that a repeat is a repeat. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { createTestApi, type Answer, type TestApi } from '#test/support/api.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { makeDeposit, makePlayer, type TestPlayer } from '#test/support/factories.ts';
import { openTestSession } from '#test/support/protected-player.ts';

let database: TestDatabase;
let app: TestApi;
let player: TestPlayer;
let token: string;
let risk: string;
let lead: string;
let compliance: string;
let support: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await createTestApi(database);
  player = await makePlayer(database.db);
  token = await openTestSession(database, { playerId: player.id });
  await makeDeposit(database.db, player);
  [risk, lead, compliance, support] = [
    await app.signInAs(['risk']),
    await app.signInAs(['payments-lead']),
    await app.signInAs(['compliance']),
    await app.signInAs(['support']),
  ];
});
afterAll(async () => {
  expect((await verifyLedger(database.db)).flatMap(({ findings }) => findings)).toEqual([]);
  await app?.close();
  await database?.drop();
});

const soon = () => new Date(Date.now() + 3_600_000).toISOString();
const eur = (amount: string) => ({ amount, asset: 'EUR' });
const myBalances = async (at?: string) => {
  const { body } = await app.send('GET', `/v1/wallet/balances${at ? `?at=${at}` : ''}`, undefined, { token });
  return { at: String(body['at']), eur: (body['items'] as Record<string, string>[])[0]! };
};

test('a hold is placed by one desk, captured by another, and the rest is released', async () => {
  const input = {
    playerId: player.id,
    money: eur('40.00'),
    reason: 'legal-order',
    subject: 'case:17',
    note: 'Order 17 of the court',
    expiresAt: soon(),
  };
  const place = (key: string, as = risk, body: object = input) =>
    app.send('POST', '/admin/v1/wallet/holds', body, { token: as, key });
  expect((await place('hold-key-1', support)).body).toMatchObject({ code: 'forbidden' });
  const placed = await place('hold-key-1');
  expect(placed).toMatchObject({
    status: 200,
    body: { state: 'open', rest: eur('40.00'), captureTo: 'suspense:legal-orders', subject: 'case:17' },
  });
  expect((await place('hold-key-1')).body).toEqual(placed.body);
  expect((await place('hold-key-1', risk, { ...input, note: 'Another order' })).body).toMatchObject({
    code: 'idempotency-key-reused',
  });
  expect((await myBalances()).eur).toMatchObject({ cash: '60.00', held: '40.00', payable: '60.00' });

  const path = `/admin/v1/wallet/holds/${String(placed.body['id'])}`;
  const capture = (key: string, amount: string, as = lead) =>
    app.send('POST', `${path}/captures`, { money: eur(amount) }, { token: as, key });
  expect((await capture('capture-1', '10.00', risk)).body).toMatchObject({ code: 'forbidden' });
  expect((await capture('capture-1', '10.00')).body).toMatchObject({ rest: eur('30.00') });
  expect((await capture('capture-1', '10.00')).body).toMatchObject({ rest: eur('30.00') });
  expect((await capture('capture-1', '11.00')).body).toMatchObject({ code: 'idempotency-key-reused' });
  expect((await capture('capture-2', '30.01')).body).toMatchObject({ code: 'hold-exceeded', status: 422 });
  expect((await app.send('GET', path, undefined, { token: lead })).body['captures']).toMatchObject([
    { money: eur('10.00') },
  ]);
  const released = await app.send('POST', `${path}/releases`, undefined, { token: risk, key: 'release-1' });
  expect(released.body).toMatchObject({ state: 'released', released: eur('30.00'), rest: eur('0.00') });
  expect((await capture('capture-3', '1.00')).body).toMatchObject({ code: 'hold-not-open', status: 409 });
  expect((await myBalances()).eur).toMatchObject({ cash: '90.00', held: '0.00' });
});

test('who holds money does not take it, too', async () => {
  const both = await app.signInAs(['payments-lead']);
  const body = {
    playerId: player.id,
    money: eur('5.00'),
    reason: 'peer-claim',
    note: 'Claim of another player',
    expiresAt: soon(),
  };
  const placed = await app.send('POST', '/admin/v1/wallet/holds', body, { token: both, key: 'own-hold-1' });
  const path = `/admin/v1/wallet/holds/${String(placed.body['id'])}`;
  const own = await app.send(
    'POST',
    `${path}/captures`,
    { money: eur('5.00') },
    { token: both, key: 'own-cap-1' },
  );
  expect(own.body).toMatchObject({ code: 'own-approval', status: 403 });
  const other = { token: compliance, key: 'own-cap-2' };
  expect((await app.send('POST', `${path}/captures`, { money: eur('5.00') }, other)).body).toMatchObject({
    state: 'captured',
  });
  const list = await app.send('GET', `/admin/v1/wallet/holds?playerId=${player.id}&limit=1`, undefined, {
    token: lead,
  });
  expect(list.body['items']).toMatchObject([{ id: placed.body['id'] }]);
  const next = `/admin/v1/wallet/holds?playerId=${player.id}&after=${String(list.body['next'])}`;
  expect((await app.send('GET', next, undefined, { token: lead })).body).toMatchObject({ next: null });
});

test('a correction is asked for, decided by another desk on what was shown, and read by the player', async () => {
  const from = new Date(Date.now() - 60_000).toISOString();
  const before = await myBalances();
  const input = {
    playerId: player.id,
    direction: 'credit',
    amount: '20.005',
    asset: 'EUR',
    reasonCode: 'goodwill',
    note: 'Twenty for the long wait',
  };
  const ask = await app.send('POST', '/admin/v1/wallet/adjustments', input, {
    token: support,
    key: 'adjust-1',
  });
  expect(ask).toMatchObject({ status: 200, body: { state: 'requested', journalId: null } });
  const again = await app.send('POST', '/admin/v1/wallet/adjustments', input, {
    token: support,
    key: 'adjust-1',
  });
  expect(again.body).toEqual(ask.body);
  expect((await myBalances()).eur).toEqual(before.eur);

  const path = `/admin/v1/wallet/adjustments/${String(ask.body['id'])}/approvals`;
  const decision = { decision: 'approve', reason: 'agreed', contentHash: String(ask.body['contentHash']) };
  const decide = (as: string, change: object = {}) =>
    app.send('POST', path, { ...decision, ...change }, { token: as, key: 'decide-1' });
  expect((await decide(support)).body).toMatchObject({ code: 'forbidden' });
  expect((await decide(lead, { contentHash: '00'.repeat(32) })).body).toMatchObject({
    code: 'adjustment-not-open',
  });
  const posted = await decide(lead);
  expect(posted.body).toMatchObject({ state: 'posted', decisionReason: 'agreed' });
  expect((await decide(lead)).body).toEqual(posted.body);
  expect((await decide(lead, { reason: 'otherwise' })).body).toMatchObject({
    code: 'idempotency-key-reused',
  });
  expect((await decide(compliance)).body).toMatchObject({ code: 'already-decided', status: 409 });
  // The half cent stays with the player: it is cash that cannot be paid out.
  expect((await myBalances()).eur).toMatchObject({ cash: '105.005', payable: '105.00' });
  expect((await myBalances(before.at)).eur).toEqual(before.eur);

  const statement = await app.send('GET', `/v1/wallet/statement?asset=EUR&from=${from}`, undefined, {
    token,
  });
  expect(statement.body['items']).toContainEqual(
    expect.objectContaining({
      code: 'adjustment.post',
      account: 'cash',
      amount: eur('20.005'),
      balanceAfter: eur('105.005'),
      reason: 'Goodwill',
      journalId: posted.body['journalId'],
    }),
  );
  expect(statement.body['totals']).toContainEqual({
    code: 'adjustment.post',
    account: 'cash',
    entries: 1,
    amount: eur('20.005'),
  });
  const shown = `/admin/v1/ledger/players/${player.id}/statement?asset=EUR&from=${from}&to=${String(statement.body['to'])}`;
  expect((await app.send('GET', shown, undefined, { token: lead })).body).toEqual(statement.body);
});

test('whoever both asks and decides is refused as his own approver', async () => {
  const input = {
    playerId: player.id,
    direction: 'debit',
    amount: '1.00',
    asset: 'EUR',
    reasonCode: 'fraud-recovery',
    note: 'Taken back after fraud',
  };
  const ask = await app.send('POST', '/admin/v1/wallet/adjustments', input, {
    token: lead,
    key: 'adjust-own',
  });
  const path = `/admin/v1/wallet/adjustments/${String(ask.body['id'])}/approvals`;
  const body = { decision: 'approve', reason: 'mine', contentHash: String(ask.body['contentHash']) };
  expect((await app.send('POST', path, body, { token: lead, key: 'decide-own' })).body).toMatchObject({
    code: 'own-approval',
    status: 403,
  });
  expect(
    (await app.send('GET', '/admin/v1/wallet/adjustments?state=requested', undefined, { token: risk })).body[
      'items'
    ],
  ).toMatchObject([{ id: ask.body['id'] }]);
});

type Quoted = Readonly<
  Record<'soldAsset' | 'boughtAsset' | 'rate' | 'source' | 'quotedAt' | 'expiresAt', string>
>;

const proposeRate = (rate: Quoted, as = lead, key: string = randomUUID()) =>
  app.send(
    'POST',
    '/admin/v1/wallet/rate-proposals',
    { ...rate, reason: 'the price of this morning' },
    { token: as, key },
  );
const decideRate = (proposal: Answer, decision: string, as = compliance, change: object = {}) =>
  app.send(
    'POST',
    `/admin/v1/wallet/rate-proposals/${String(proposal.body['id'])}/decisions`,
    { decision, payloadHash: proposal.body['payloadHash'], reason: 'compared with the source', ...change },
    { token: as },
  );

/** The rate as players are shown it. */
async function publishByTwo(rate: Quoted): Promise<object & { readonly id: string }> {
  const proposal = await proposeRate(rate);
  expect(proposal.status).toBe(202);
  expect((await decideRate(proposal, 'apply')).status).toBe(200);
  return { id: String(proposal.body['id']), ...rate };
}

test('a rate is published by another person than who proposed it, as it was shown and while it is fresh', async () => {
  const rate = {
    soldAsset: 'EUR',
    boughtAsset: 'GBP',
    rate: '0.86',
    source: 'treasury desk',
    quotedAt: new Date().toISOString(),
    expiresAt: soon(),
  };
  const inForce = async () =>
    ((await app.send('GET', '/admin/v1/wallet/rates', undefined, { token: lead })).body['items'] as Quoted[])
      .filter(({ boughtAsset }) => boughtAsset === 'GBP')
      .map((one) => one.rate);
  expect((await proposeRate(rate, risk)).body['code']).toBe('forbidden');
  expect((await proposeRate(rate, compliance)).body['code']).toBe('forbidden');
  const oneBrand = await app.signInAs(['admin'], ['aurora']);
  expect((await proposeRate(rate, oneBrand)).body['code']).toBe('forbidden');

  const first = await proposeRate(rate, lead, 'rate-key-1');
  expect(first.body).toMatchObject({ ...rate, after: null, state: 'proposed' });
  expect((await proposeRate(rate, lead, 'rate-key-1')).body).toEqual(first.body);
  expect((await proposeRate({ ...rate, rate: '8.6' }, lead, 'rate-key-1')).body['code']).toBe(
    'idempotency-key-reused',
  );
  expect((await decideRate(first, 'apply', lead)).body['code']).toBe('own-approval');
  expect((await decideRate(first, 'apply', oneBrand)).body['code']).toBe('forbidden');
  expect((await decideRate(first, 'apply', compliance, { payloadHash: 'ab'.repeat(32) })).body['code']).toBe(
    'setting-not-open',
  );
  expect(await inForce()).toEqual([]);

  const second = await proposeRate({ ...rate, rate: '0.87' });
  const applied = await decideRate(first, 'apply');
  expect(applied.body).toMatchObject({ state: 'applied', author: expect.stringMatching(/^operator:/) });
  expect((await decideRate(first, 'apply')).body).toEqual(applied.body);
  expect(await inForce()).toEqual(['0.86']);
  expect((await decideRate(second, 'apply')).body['code']).toBe('version-outdated');
  expect((await decideRate(second, 'refuse', lead)).body['state']).toBe('refused');

  const late = await proposeRate({ ...rate, expiresAt: new Date(Date.now() + 300).toISOString() });
  expect(late.body['openUntil']).toBe(late.body['expiresAt']);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect((await decideRate(late, 'apply')).body['code']).toBe('setting-not-open');

  const { rows } = await database.pool.query(
    'select action from compliance.audit where subject = $1 order by id',
    [`rate:${String(first.body['id'])}`],
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'wallet.rate.proposed',
    'wallet.rate.published',
    'wallet.rate.approved',
  ]);
  await expect(
    database.pool.query(
      `insert into wallet.rate (id, sold_asset, bought_asset, rate, source, quoted_at, expires_at, published_by, fingerprint)
       select gen_random_uuid(), sold_asset, bought_asset, '9', source, quoted_at, expires_at, published_by, fingerprint
       from wallet.rate where id = $1`,
      [first.body['id']],
    ),
  ).rejects.toThrow('was not decided by two');
});

test('one person ends a rate at once, and its pair has none until two agree on another', async () => {
  const of = (rate: string) => ({
    soldAsset: 'GBP',
    boughtAsset: 'EUR',
    rate,
    source: 'treasury desk',
    quotedAt: new Date().toISOString(),
    expiresAt: soon(),
  });
  await publishByTwo(of('1.16'));
  const wrong = await publishByTwo(of('11.6'));
  const end = (id: string, as: string) =>
    app.send('POST', `/admin/v1/wallet/rates/${id}/endings`, { reason: 'a digit too many' }, { token: as });
  const rates = async () =>
    ((await app.send('GET', '/v1/wallet/rates', undefined, { token })).body['items'] as Quoted[])
      .filter(({ soldAsset }) => soldAsset === 'GBP')
      .map(({ rate }) => rate);
  expect(await rates()).toEqual(['11.6']);
  expect((await end(wrong.id, support)).status).toBe(403);
  expect((await end(randomUUID(), compliance)).status).toBe(404);
  expect((await end(wrong.id, compliance)).status).toBe(204);
  expect((await end(wrong.id, lead)).status).toBe(204);
  expect(await rates()).toEqual([]);
  await publishByTwo(of('1.17'));
  expect(await rates()).toEqual(['1.17']);
});

test('a player exchanges at the rate that was shown', async () => {
  await database.db
    .transaction()
    .execute((trx) =>
      openWallet(trx, { playerId: player.id, asset: 'USD', brand: player.brand, jurisdiction: 'MT' }),
    );
  await database.db
    .insertInto('responsibleGambling.limit')
    .values({
      id: randomUUID(),
      playerId: player.id,
      brand: player.brand,
      jurisdiction: 'MT',
      profileVersion: 1,
      kind: 'deposit',
      window: 'day',
      asset: 'USD',
      amount: (10n ** 15n).toString(),
      fingerprint: Buffer.alloc(32),
    })
    .execute();
  const rate = {
    soldAsset: 'EUR',
    boughtAsset: 'USD',
    rate: '433/400',
    source: 'treasury desk',
    quotedAt: new Date().toISOString(),
    expiresAt: soon(),
  };
  const published = { body: await publishByTwo(rate) };
  expect((await app.send('GET', '/v1/wallet/rates', undefined, { token })).body['items']).toContainEqual(
    published.body,
  );
  const body = { sell: eur('10.00'), boughtAsset: 'USD', rateId: String(published.body['id']) };
  const make = (change: object = {}, key = 'exchange-1') =>
    app.send('POST', '/v1/wallet/exchanges', { ...body, ...change }, { token, key });
  expect((await make({ rateId: randomUUID() })).body).toMatchObject({
    code: 'rate-not-current',
    status: 409,
  });
  const made = await make();
  expect(made.body).toMatchObject({
    sold: eur('10.00'),
    bought: { amount: '10.825', asset: 'USD' },
    rate: '433/400',
  });
  expect((await make()).body).toEqual(made.body);
  expect((await make({ sell: eur('11.00') })).body).toMatchObject({ code: 'idempotency-key-reused' });
  const list = await app.send('GET', '/v1/wallet/exchanges', undefined, { token });
  expect(list.body).toEqual({ items: [made.body], next: null });
});

test('a statement has a period, at most 366 days, and of a wallet that is there', async () => {
  const ask = async (query: string) =>
    (await app.send('GET', `/v1/wallet/statement?${query}`, undefined, { token })).body;
  expect(await ask('asset=EUR')).toMatchObject({ code: 'invalid-request' });
  expect(await ask('asset=EUR&from=2020-01-01T00:00:00Z')).toMatchObject({ code: 'invalid-request' });
  expect(await ask('asset=EUR&from=2099-01-01T00:00:00Z')).toMatchObject({ code: 'invalid-request' });
  expect(await ask('asset=EUR&from=2026-01-01T00:00:00%2B02:00')).toMatchObject({ code: 'invalid-request' });
  expect(await ask('asset=EUR&from=2026-02-30T00:00:00Z')).toMatchObject({ code: 'invalid-request' });
  const from = new Date(Date.now() - 60_000).toISOString();
  expect(await ask(`asset=GBP&from=${from}`)).toMatchObject({ code: 'wallet-not-found' });
  expect(await ask(`asset=EUR&from=${from}&after=1-2`)).toMatchObject({ code: 'invalid-request' });
  const first = await ask(`asset=EUR&from=${from}&limit=2`);
  expect(first).toMatchObject({ items: [{ seq: '1' }, {}] });
  const second = await ask(`asset=EUR&from=${from}&limit=2&after=${String(first['next'])}`);
  expect(second).toMatchObject({ totals: null, opening: first['opening'], closing: first['closing'] });
});

test('staff of another brand sees nothing of it and moves nothing', async () => {
  const foreign = await app.signInAs(['payments-lead', 'compliance'], ['borealis']);
  const opts = { token: foreign, key: 'foreign-key-1' };
  const holds = await app.send('GET', '/admin/v1/wallet/holds', undefined, { token: foreign });
  expect(holds.body).toEqual({ items: [], next: null });
  const [mine] = (await app.send('GET', '/admin/v1/wallet/holds', undefined, { token: lead })).body[
    'items'
  ] as {
    id: string;
  }[];
  for (const [method, path, body] of [
    ['GET', `/admin/v1/wallet/holds/${mine!.id}`, undefined],
    ['POST', `/admin/v1/wallet/holds/${mine!.id}/captures`, { money: eur('1.00') }],
    ['POST', `/admin/v1/wallet/holds/${mine!.id}/releases`, undefined],
    ['GET', `/admin/v1/ledger/players/${player.id}/balances`, undefined],
    [
      'POST',
      '/admin/v1/wallet/holds',
      {
        playerId: player.id,
        money: eur('1.00'),
        reason: 'peer-claim',
        note: 'From elsewhere',
        expiresAt: soon(),
      },
    ],
  ] as const)
    expect((await app.send(method, path, body, opts)).body, path).toMatchObject({
      code: expect.toBeOneOf(['not-found', 'wallet-not-found']),
    });
});
