/**
 * Reconciliation on a real database against the three sandbox PSPs: their own files, fetched and read as in life, with every
 * mistake that they can be told to make.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { receiveWebhook } from '#activities/compliance/commands/webhook-inbox.ts';
import { requestDeposit } from '#activities/payments/commands/request-deposit.ts';
import { orThrow } from '#domain/failures.ts';
import { createTemporaryDirectory, startParty, type PartyProcess } from '#sandbox/support/party-process.ts';
import { startWebhookReceiver, type WebhookReceiver } from '#sandbox/support/webhook-receiver.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import {
  brand,
  euro,
  fingerprintOf,
  keyPlayer,
  makePlayer,
  paymentActivities,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { closeBreak } from './commands/breaks.ts';
import { recordDispute } from './commands/dispute-notices.ts';
import { decideDisputeResponse, recordDisputeResponse } from './commands/record-dispute-response.ts';
import { requestModification } from './commands/request-modification.ts';
import { requestRefund } from './commands/request-refund.ts';
import { createPspConnectors, type PspConnector } from './connectors.ts';
import { createDisputeActivities } from './disputes.ts';
import { unreconciledDays } from './settlement-reading.ts';

const merchantAccount = 'PitbossTest';
const hmacKey = '0f'.repeat(32);
const webhookSecret = 'whsec_reconciliation';
const gammaAccount = { processingChannelId: 'pc_rec', currencyAccountId: 'ca_rec' };
const names = ['alpha', 'beta', 'gamma'] as const;
type Name = (typeof names)[number];
const today = new Date().toISOString().slice(0, 10);

let database: TestDatabase;
let directory: ReturnType<typeof createTemporaryDirectory>;
let receivers: Record<Name, WebhookReceiver>;
let parties: Record<Name, PartyProcess>;
let psps: ReadonlyMap<string, PspConnector>;

const activities = () => {
  const { money, provider } = paymentActivities(database.db, psps);
  return { ...money, ...provider };
};

async function tell(psp: Name, path: string, body: object, method = 'POST'): Promise<unknown> {
  const answer = await fetch(`${parties[psp].url}${path}`, { method, body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
  return answer.json();
}

async function tokenFor(psp: Name, playerId: string): Promise<string> {
  const card = { number: '4242424242424242', cvc: '123' };
  if (psp === 'gamma') {
    const made = await fetch(`${parties.gamma.url}/tokens`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_sbox_1' },
      body: JSON.stringify({
        type: 'card',
        number: card.number,
        expiry_month: 12,
        expiry_year: 2031,
        cvv: card.cvc,
      }),
    });
    return ((await made.json()) as { token: string }).token;
  }
  const answer =
    psp === 'alpha'
      ? await fetch(`${parties.alpha.url}/v1/payment_methods`, {
          method: 'POST',
          headers: { authorization: 'Bearer pk_test_1' },
          body: new URLSearchParams({
            type: 'card',
            'card[number]': card.number,
            'card[exp_month]': '12',
            'card[exp_year]': '2031',
            'card[cvc]': card.cvc,
          }),
        })
      : await fetch(`${parties.beta.url}/v72/storedPaymentMethods`, {
          method: 'POST',
          headers: { 'x-api-key': 'test_client' },
          body: JSON.stringify({
            merchantAccount,
            shopperReference: playerId,
            paymentMethod: { type: 'scheme', ...card, expiryMonth: '12', expiryYear: '2031' },
          }),
        });
  return ((await answer.json()) as { id: string }).id;
}

/** A captured deposit at one PSP. */
async function paid(psp: Name, amount: string): Promise<{ depositId: string; playerId: string }> {
  const playerId = await makePlayer(database.db);
  await keyPlayer(database.db, playerId);
  const depositId = randomUUID();
  orThrow(
    await requestDeposit(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount, asset: 'EUR' },
      tokens: [{ psp, token: await tokenFor(psp, playerId) }],
      returnUrl: 'http://shop.test/back',
      fingerprint: fingerprintOf(depositId),
    }),
  );
  const { authoriseAttempt, captureDeposit } = activities();
  expect(await authoriseAttempt({ depositId, number: 1 })).toMatchObject({ psp, state: 'approved' });
  expect(await captureDeposit({ depositId, number: 1 })).toEqual({ kind: 'captured' });
  return { depositId, playerId };
}

/** Notices that the PSP has sent so far about `reference`, taken in as the door does it. */
async function takeNotices(psp: Name, isIt: (body: string) => boolean, subject: string): Promise<void> {
  const connector = psps.get(psp);
  const { received } = receivers[psp];
  await expect.poll(() => received.some(({ body }) => isIt(body)), { timeout: 10_000 }).toBe(true);
  for (const webhook of received.filter(({ body }) => isIt(body))) {
    const headers = new Headers(
      Object.entries(webhook.headers).flatMap(([name, value]): [string, string][] =>
        typeof value === 'string' ? [[name, value]] : [],
      ),
    );
    const notices = orThrow(connector?.verifyWebhook(Buffer.from(webhook.body), headers) ?? never());
    for (const notice of notices)
      await receiveWebhook(database.db, {
        source: `psp:${psp}`,
        externalId: notice.externalId,
        body: notice.body,
        subject,
      });
  }
}
const never = (): never => {
  throw new Error('no connector');
};

async function refunded(psp: Name, depositId: string, amount: string): Promise<string> {
  const refundId = randomUUID();
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await requestRefund(trx, testKeyRing, {
        refundId,
        depositId,
        money: { amount, asset: 'EUR' },
        reason: 'asked for',
        operatorId: randomUUID(),
        roles: ['payments'],
        fingerprint: fingerprintOf(refundId),
      }),
    ),
  );
  const { debitRefund, sendRefund, refreshRefund, settleRefund } = activities();
  expect(await debitRefund({ refundId })).toMatchObject({ state: 'submitted' });
  let call = await sendRefund({ refundId });
  if (psp !== 'alpha') {
    expect(call.state).toBe('pending');
    await takeNotices(psp, (body) => body.includes(`refund:${refundId}`), `refund:${refundId}`);
    call = await refreshRefund({ refundId });
  }
  expect(call.state).toBe('paid');
  expect(await settleRefund({ refundId })).toEqual({ state: 'paid' });
  return refundId;
}

async function reconcile(psp: Name) {
  const { fetchSettlement, matchSettlement } = activities();
  const file = await fetchSettlement({ psp, day: today });
  return { ...file, ...(await matchSettlement({ fileId: file.fileId })) };
}

const breaksOf = (psp: Name) =>
  database.db
    .selectFrom('payments.reconciliationBreak')
    .selectAll()
    .where('psp', '=', psp)
    .orderBy('openedAt')
    .orderBy('kind')
    .execute();
const openKinds = async (psp: Name): Promise<string[]> =>
  (await breaksOf(psp))
    .filter(({ closedAt }) => closedAt === null)
    .map(({ kind }) => kind)
    .toSorted();

const feesBooked = async (psp: Name): Promise<bigint> => {
  const { rows } = await database.ownerPool.query<{ units: string }>(
    `select coalesce(sum(e.amount), 0)::text as units from wallet.entry e join wallet.journal j on j.id = e.journal_id
     where j.code = 'psp.fee' and e.account = $1`,
    [`psp:${psp}:clearing`],
  );
  return BigInt(rows[0]?.units ?? 0);
};

beforeAll(async () => {
  directory = createTemporaryDirectory();
  const [toAlpha, toBeta, toGamma] = await Promise.all([
    startWebhookReceiver(),
    startWebhookReceiver(),
    startWebhookReceiver(),
  ]);
  receivers = { alpha: toAlpha, beta: toBeta, gamma: toGamma };
  const shared = { STATE_DIR: directory.path };
  const [alpha, beta, gamma, opened] = await Promise.all([
    startParty('psp', {
      ...shared,
      DIALECT: 'stripe',
      WEBHOOK_URL: toAlpha.url,
      API_KEY: 'sk_rec',
      WEBHOOK_SECRET: webhookSecret,
    }),
    startParty('psp', {
      ...shared,
      DIALECT: 'adyen',
      WEBHOOK_URL: toBeta.url,
      API_KEY: 'beta-rec',
      MERCHANT_ACCOUNT: merchantAccount,
      HMAC_KEY: hmacKey,
      SEVERAL_CAPTURES: 'true',
    }),
    startParty('psp', {
      ...shared,
      DIALECT: 'checkout',
      WEBHOOK_URL: toGamma.url,
      API_KEY: 'sk_sbox_rec',
      WEBHOOK_SECRET: webhookSecret,
      PROCESSING_CHANNEL_ID: gammaAccount.processingChannelId,
      CURRENCY_ACCOUNT_ID: gammaAccount.currencyAccountId,
    }),
    createTestDatabase(),
  ]);
  parties = { alpha, beta, gamma };
  database = opened;
  await seedWorld(database.db);
  psps = createPspConnectors({
    alpha: { url: alpha.url, apiKey: 'sk_rec', webhookSecret },
    beta: { url: beta.url, apiKey: 'beta-rec', merchantAccount, hmacKey, severalCaptures: true },
    gamma: { url: gamma.url, apiKey: 'sk_sbox_rec', webhookSecret, ...gammaAccount },
  });
}, 60_000);

afterAll(async () => {
  const checks = database === undefined ? [] : await verifyLedger(database.db);
  await Promise.all(names.map((name) => parties?.[name].stop()));
  await Promise.all(names.map((name) => receivers?.[name].close()));
  directory?.remove();
  await database?.drop();
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
}, 60_000);

describe.each(names)('a day at %s', (psp) => {
  test('with a deposit, a refund and a dispute agrees line by line, books its fees once, and finds its payout at the bank', async () => {
    const first = await paid(psp, '200.00');
    await refunded(psp, first.depositId, '50.00');
    const second = await paid(psp, '80.00');
    const disputeId = await disputed(psp, second.depositId);

    const one = await reconcile(psp);
    expect(one).toMatchObject({ isNew: true, openBreaks: 0 });
    // 1.40 % and 0.25 of each charge, 15.00 of the dispute.
    expect(await feesBooked(psp)).toBe(((280n + 112n + 25n + 25n + 1_500n) * euro) / 100n);
    expect(await reconcile(psp)).toMatchObject({ fileId: one.fileId, isNew: false, openBreaks: 0 });
    expect(await feesBooked(psp)).toBe((1_942n * euro) / 100n);
    const subjects = await database.db
      .selectFrom('payments.settlementLine')
      .select(['kind', 'subject', 'gross', 'pspReference'])
      .where('fileId', '=', one.fileId)
      .orderBy('line')
      .execute();
    expect(subjects.map(({ kind }) => kind)).toEqual([
      'charge',
      'refund',
      'charge',
      'dispute',
      'bank-payout',
    ]);
    expect(subjects[3]?.subject).toBe(`dispute:${disputeId}`);

    const payout = subjects[4];
    expect(BigInt(payout?.gross ?? 0)).toBe((-(15_000n - 1_942n) * euro) / 100n);
    await database.db
      .insertInto('payments.bankLine')
      .values({
        account: 'MT00BANK',
        bookedOn: sqlToday(),
        amount: (-BigInt(payout?.gross ?? 0)).toString(),
        asset: 'EUR',
        endToEndId: payout?.pspReference ?? '',
        reference: 'PSP PAYOUT',
        statementId: `statement-${psp}`,
        line: 1,
      })
      .execute();
    expect(await reconcile(psp)).toMatchObject({ openBreaks: 0 });
    const matched = await database.db
      .selectFrom('payments.bankMatch')
      .select('naturalKey')
      .where('psp', '=', psp)
      .execute();
    expect(matched).toHaveLength(1);
    // What the PSP owed is at the bank: its clearing account is even but for what the dispute holds back.
    await reconcile(psp);
    const { rows } = await database.ownerPool.query<{ account: string; units: string }>(
      `select e.account, sum(e.amount)::text as units from wallet.journal j join wallet.entry e on e.journal_id = j.id
       where j.code = 'psp.payout' and e.account in ('bank:MT00BANK', $1) and exists (
         select 1 from wallet.entry o where o.journal_id = j.id and o.account = $1) group by 1 order by 1`,
      [`psp:${psp}:clearing`],
    );
    const arrived = ((15_000n - 1_942n) * euro) / 100n;
    expect(rows).toEqual([
      { account: 'bank:MT00BANK', units: (-arrived).toString() },
      { account: `psp:${psp}:clearing`, units: arrived.toString() },
    ]);
  }, 60_000);

  test('whose file is wrong opens one break per mistake, each with a work item, and none closes without its proof', async () => {
    await paid(psp, '30.00');
    const spoiled = await paid(psp, '40.00');
    const missing = await paid(psp, '25.00');
    for (const order of [
      { kind: 'missing', line: `deposit:${missing.depositId}:a1` },
      { kind: 'extra' },
      { kind: 'amount', line: `deposit:${spoiled.depositId}:a1` },
    ])
      await tell(psp, '/_scenario/settlement-breaks', { day: today, ...order });
    const found = await reconcile(psp);
    expect(found.isNew).toBe(true);
    // Another file of a day that was told before is a break of its own; a wrong amount has the wrong fee, too.
    expect(await openKinds(psp)).toEqual(['amount', 'extra', 'fee', 'missing', 'restated']);
    const all = await breaksOf(psp);
    const amount = all.find(({ kind }) => kind === 'amount');
    expect(amount).toMatchObject({
      subject: `deposit:${spoiled.depositId}`,
      expected: (40n * euro).toString(),
      found: (41n * euro).toString(),
    });
    const items = await database.db
      .selectFrom('payments.workItem')
      .select('subject')
      .where('kind', '=', 'reconciliation-break')
      .where(
        'subject',
        'in',
        all.map(({ id }) => `break:${id}`),
      )
      .where('closedAt', 'is', null)
      .execute();
    expect(items).toHaveLength(5);

    const close = (reference: string, kind: 'journal' | 'later-line' | 'correction') =>
      database.db.transaction().execute((trx) =>
        closeBreak(trx, amount?.id ?? '', {
          proof: { kind, reference },
          resolution: 'settled with the PSP',
          actor: { kind: 'operator', id: randomUUID() },
        }),
      );
    for (const kind of ['journal', 'later-line', 'correction'] as const)
      expect(await close(randomUUID(), kind)).toMatchObject({ failure: { code: 'invalid-request' } });
    await expect(
      database.ownerPool.query(
        `update payments.reconciliation_break set closed_at = now(), closed_by = 'operator:x' where id = $1`,
        [amount?.id],
      ),
    ).rejects.toThrow(/check/);
    const capture = await database.db
      .selectFrom('wallet.journal')
      .select('id')
      .where('externalId', '=', `deposit:${spoiled.depositId}:capture`)
      .executeTakeFirstOrThrow();
    // What was booked before the break is no proof of it, and is of another amount.
    expect(await close(capture.id, 'journal')).toMatchObject({ failure: { code: 'invalid-request' } });

    // The PSP mends its file: what was missing is told, and closes by itself.
    await tell(psp, '/_scenario/settlement-breaks', {}, 'DELETE');
    await paid(psp, '10.00');
    await reconcile(psp);
    const gone = (await breaksOf(psp)).find(({ kind }) => kind === 'missing');
    expect(gone).toMatchObject({ proofKind: 'later-line', closedBy: 'system:reconciliation' });
    // Fees that were told wrong are booked as the last file tells them.
    const { rows } = await database.ownerPool.query<{ told: string }>(
      `select sum(fee)::text as told from (select distinct on (l.natural_key) l.fee
         from payments.settlement_line l join payments.settlement_file f on f.id = l.file_id
         where l.psp = $1 and l.subject is not null order by l.natural_key, f.fetched_at desc) last`,
      [psp],
    );
    expect((await feesBooked(psp)).toString()).toBe(rows[0]?.told);
  }, 60_000);

  test('with a dispute that was lost a second time before anybody followed it matches the first debit only', async () => {
    const { depositId } = await paid(psp, '60.00');
    const disputeId = await disputed(psp, depositId);
    const { pspReference } = await database.db
      .selectFrom('payments.dispute')
      .select('pspReference')
      .where('id', '=', disputeId)
      .executeTakeFirstOrThrow();
    // All within one second, as a test platform of a PSP does it.
    for (const step of ['win', 'second']) await tell(psp, `/_scenario/disputes/${pspReference}`, { step });
    const { fileId } = await reconcile(psp);
    const ofDispute = async () =>
      database.db
        .selectFrom('payments.settlementLine')
        .select(['kind', 'subject'])
        .where('fileId', '=', (await reconcile(psp)).fileId)
        .where((on) =>
          on.or([
            on('subject', '=', `dispute:${disputeId}`),
            on.and([on('subject', 'is', null), on('kind', 'like', 'dispute%')]),
          ]),
        )
        .orderBy('line')
        .execute();
    expect(await ofDispute()).toEqual([
      { kind: 'dispute', subject: `dispute:${disputeId}` },
      { kind: 'dispute-reversal', subject: null },
      { kind: 'dispute', subject: null },
    ]);
    const breaks = await database.db
      .selectFrom('payments.settlementLine as l')
      .innerJoin('payments.reconciliationBreak as b', (join) =>
        join.onRef('b.naturalKey', '=', 'l.naturalKey').onRef('b.psp', '=', 'l.psp'),
      )
      .select(['l.kind as line', 'b.kind'])
      .where('l.fileId', '=', fileId)
      .where('l.kind', 'like', 'dispute%')
      .where('b.kind', 'in', ['extra', 'duplicate'])
      .orderBy('l.line')
      .execute();
    expect(breaks).toEqual([
      { line: 'dispute-reversal', kind: 'extra' },
      { line: 'dispute', kind: 'extra' },
    ]);
  }, 60_000);

  test('with a line told twice, in another currency or with another fee says so', async () => {
    const [twice, foreign, dear] = [
      await paid(psp, '21.00'),
      await paid(psp, '22.00'),
      await paid(psp, '23.00'),
    ];
    for (const [kind, { depositId }] of [
      ['duplicate', twice],
      ['currency', foreign],
      ['fee', dear],
    ] as const)
      await tell(psp, '/_scenario/settlement-breaks', { day: today, kind, line: `deposit:${depositId}:a1` });
    const before = (await breaksOf(psp)).length;
    await reconcile(psp);
    const news = (await breaksOf(psp)).slice(before);
    expect(news.map(({ kind, subject }) => `${kind} ${subject}`).toSorted()).toEqual(
      [
        `currency deposit:${foreign.depositId}`,
        `duplicate deposit:${twice.depositId}`,
        `fee deposit:${dear.depositId}`,
        'restated null',
      ].toSorted(),
    );
    await tell(psp, '/_scenario/settlement-breaks', {}, 'DELETE');
  }, 60_000);

  test.each([
    ['cut short', 'truncated'],
    ['cut between two records', 'cut'],
  ])(
    'whose file is %s keeps no line of it, tells a person once, and ends that with the whole file',
    async (_how, kind) => {
      const { depositId } = await paid(psp, '26.00');
      await tell(psp, '/_scenario/settlement-breaks', { day: today, kind });
      const before = await breaksOf(psp);
      const cut = await reconcile(psp);
      expect(cut).toMatchObject({ isNew: true, isUnreadable: true });
      expect(await reconcile(psp)).toMatchObject({ fileId: cut.fileId, isNew: false, isUnreadable: true });
      expect(await breaksOf(psp)).toEqual(before);
      const lines = await database.db
        .selectFrom('payments.settlementLine')
        .select('line')
        .where('fileId', '=', cut.fileId)
        .execute();
      expect(lines).toEqual([]);
      const fileOf = (id: string) =>
        database.db
          .selectFrom('payments.settlementFile')
          .select(['state', 'reason'])
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
      expect(await fileOf(cut.fileId)).toEqual({
        state: 'unreadable',
        reason: expect.stringMatching(kind === 'cut' ? /^The file is truncated: / : /./),
      });
      const items = async () =>
        (
          await database.db
            .selectFrom('payments.workItem')
            .select(['closedAt', 'resolution'])
            .where('kind', '=', 'unreadable-settlement')
            .where('subject', '=', `settlement-day:${psp}:${today}`)
            .orderBy('openedAt')
            .execute()
        ).slice(-1);
      expect(await items()).toEqual([{ closedAt: null, resolution: null }]);
      expect(await unreconciledDays(database.db)).toMatchObject([{ psp, day: today }]);

      await tell(psp, '/_scenario/settlement-breaks', {}, 'DELETE');
      const whole = await reconcile(psp);
      expect(whole.isUnreadable).toBeUndefined();
      expect(await fileOf(whole.fileId)).toEqual({ state: 'reconciled', reason: null });
      expect(await items()).toEqual([
        { closedAt: expect.any(Date), resolution: expect.stringContaining('was reconciled') },
      ]);
      expect(await unreconciledDays(database.db)).toEqual([]);
      const told = await database.db
        .selectFrom('payments.settlementLine')
        .select('fileId')
        .where('subject', '=', `deposit:${depositId}`)
        .execute();
      expect(told).toEqual([{ fileId: whole.fileId }]);
      // What came stays as it came, and what was reconciled stays so.
      for (const change of [`content = 'x'`, `state = 'unreadable', reason = 'x'`])
        await expect(
          database.ownerPool.query(`update payments.settlement_file set ${change} where id = $1`, [
            whole.fileId,
          ]),
        ).rejects.toThrow(/append-only|cannot go/);
    },
    60_000,
  );
});

const sqlToday = (): Date => new Date(`${today}T00:00:00Z`);

/** A chargeback from the sandbox's scenario, told by its signed notice, asked about, and answered with evidence. */
async function disputed(psp: Name, depositId: string): Promise<string> {
  const { id } = (await tell(psp, '/_scenario/disputes', { payment: `deposit:${depositId}:a1` })) as {
    id: string;
  };
  const attempt = await database.db
    .selectFrom('payments.attempt')
    .select('pspReference')
    .where('depositId', '=', depositId)
    .executeTakeFirstOrThrow();
  const row = await recordDispute(database.db, psp, {
    pspReference: id,
    chargeReference: attempt.pspReference ?? '',
  });
  if (row === null) throw new Error('the charge is known');
  const moved = {
    alpha: 'charge.dispute.funds_withdrawn',
    beta: '"CHARGEBACK"',
    gamma: 'dispute_evidence_required',
  }[psp];
  await takeNotices(psp, (body) => body.includes(id) && body.includes(moved), `dispute:${row.id}`);
  const { followDispute, sendDisputeResponse } = createDisputeActivities({
    db: database.db,
    psps,
    keyRing: testKeyRing,
    log: pino({ level: 'silent' }),
  });
  expect(await followDispute({ disputeId: row.id })).toMatchObject({
    stage: 'chargeback',
    status: 'needs-response',
  });
  const responseId = randomUUID();
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await recordDisputeResponse(trx, testKeyRing, {
        responseId,
        disputeId: row.id,
        evidence: 'The player was signed in from the device of his earlier deposits.',
        reason: 'the player was there',
        operatorId: randomUUID(),
        role: 'payments',
        fingerprint: fingerprintOf(responseId),
      }),
    ),
  );
  await database.db.transaction().execute(async (trx) =>
    orThrow(
      await decideDisputeResponse(trx, {
        responseId,
        disputeId: row.id,
        decision: 'send',
        contentHash: fingerprintOf(responseId).toString('hex'),
        reason: 'it is all there',
        operatorId: randomUUID(),
      }),
    ),
  );
  expect(await sendDisputeResponse({ responseId })).toBe('sent');
  expect(await followDispute({ disputeId: row.id })).toMatchObject({ status: 'under-review' });
  const { disputes } = (await (await fetch(`${parties[psp].url}/_scenario/disputes`)).json()) as {
    disputes: { id: string; status: string; evidence: string }[];
  };
  expect(disputes.find((one) => one.id === id)).toMatchObject({ status: 'under_review' });
  return row.id;
}

describe.each(names)('captures in parts at %s', (psp) => {
  const isMine = (ids: readonly string[]) => (subject: string | null) =>
    ids.some((id) => subject === `modification:${id}`);

  /** Three captures of 60 euros that are held: 10, 10 and 15, the last one final. */
  async function capturedInParts(): Promise<readonly string[]> {
    const version = await database.db
      .selectFrom('payments.pspRoute')
      .select((eb) => eb.fn.max('version').as('version'))
      .where('brand', '=', brand)
      .where('currency', '=', 'EUR')
      .where('method', '=', 'card')
      .executeTakeFirstOrThrow();
    await database.db
      .insertInto('payments.pspRoute')
      .values({
        brand,
        method: 'card',
        currency: 'EUR',
        version: version.version + 1,
        psps: [psp],
        captureMode: 'in-parts',
      })
      .execute();
    outliveMemory();
    const playerId = await makePlayer(database.db);
    await keyPlayer(database.db, playerId);
    const depositId = randomUUID();
    orThrow(
      await requestDeposit(database.db, {
        depositId,
        playerId,
        brand,
        jurisdiction: 'MT',
        money: { amount: '60.00', asset: 'EUR' },
        tokens: [{ psp, token: await tokenFor(psp, playerId) }],
        returnUrl: 'http://shop.test/back',
        fingerprint: fingerprintOf(depositId),
      }),
    );
    const all = activities();
    expect(await all.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ psp, state: 'authorised' });
    await all.holdDeposit({ depositId, number: 1 });
    const ids: string[] = [];
    for (const [amount, isFinal] of [
      ['10.00', false],
      ['10.00', false],
      ['15.00', true],
    ] as const) {
      const modificationId = randomUUID();
      ids.push(modificationId);
      await database.db.transaction().execute(async (trx) =>
        orThrow(
          await requestModification(trx, testKeyRing, {
            modificationId,
            depositId,
            kind: 'capture',
            money: { amount, asset: 'EUR' },
            isFinal,
            reason: 'shipped in parts',
            operatorId: randomUUID(),
            roles: ['payments'],
            fingerprint: fingerprintOf(modificationId),
          }),
        ),
      );
      await all.beginModification({ modificationId });
      let call = await all.sendModification({ modificationId });
      if (psp !== 'alpha') {
        expect(call.state).toBe('pending');
        const subject = `modification:${modificationId}`;
        if (psp === 'beta') await takeNotices(psp, (body) => body.includes(subject), subject);
        call = await all.refreshModification({ modificationId });
      }
      expect(call.state).toBe('paid');
      expect(await all.settleModification({ modificationId })).toEqual({ state: 'done' });
    }
    const expiry = await all.expireHold({ depositId, number: 1 });
    expect(expiry).toMatchObject({ state: 'captured' });
    expect(expiry.isOpen).toBeUndefined();
    return ids;
  }

  test('are matched line by line, each with its capture, and one that the file forgets or tells wrong is found to the unit', async () => {
    const ids = await capturedInParts();
    const before = new Set((await breaksOf(psp)).map(({ id }) => id));
    const { fileId } = await reconcile(psp);
    const lines = await database.db
      .selectFrom('payments.settlementLine')
      .select(['kind', 'subject', 'gross', 'naturalKey'])
      .where('fileId', '=', fileId)
      .where('kind', '=', 'charge')
      .orderBy('line')
      .execute();
    const mine = lines.filter(({ subject }) => isMine(ids)(subject));
    expect(mine.map(({ subject, gross }) => [subject, BigInt(gross) / euro])).toEqual([
      [`modification:${ids[0]}`, 10n],
      [`modification:${ids[1]}`, 10n],
      [`modification:${ids[2]}`, 15n],
    ]);
    const ofMine = async () =>
      (await breaksOf(psp)).filter(({ subject }) => isMine(ids)(subject)).map(({ kind }) => kind);
    expect(await ofMine()).toEqual([]);
    // Other content for a day that was told before says so, and nothing else.
    const fresh = (await breaksOf(psp)).filter(({ id }) => !before.has(id)).map(({ kind }) => kind);
    expect(fresh.filter((kind) => kind !== 'restated')).toEqual([]);

    // The day again, and now it is wrong about three further captures.
    const later = await capturedInParts();
    const movements = (await (await fetch(`${parties[psp].url}/_books`)).json()) as {
      movements: { id: number; kind: string; amount: string }[];
    };
    const [, second, third] = movements.movements.filter(({ kind }) => kind === 'charge').slice(-3);
    await tell(psp, '/_scenario/settlement-breaks', { day: today, kind: 'missing', line: `mv${second?.id}` });
    await tell(psp, '/_scenario/settlement-breaks', { day: today, kind: 'amount', line: `mv${third?.id}` });
    await reconcile(psp);
    const found = (await breaksOf(psp))
      .filter(({ subject }) => isMine(later)(subject))
      .map(({ kind, subject, expected, found: told }) => [kind, subject, cents(expected), cents(told)]);
    const [, two, three] = later.map((id) => `modification:${id}`);
    // Where the file names the charge alone, what fits no amount goes to the captures that are left, in order.
    expect(found.filter(([kind]) => kind !== 'fee')).toEqual(
      psp === 'alpha'
        ? [
            ['amount', two, 1_000, 1_600],
            ['missing', three, 1_500, null],
          ]
        : [
            ['amount', three, 1_500, 1_600],
            ['missing', two, 1_000, null],
          ],
    );
    expect(await ofMine()).toEqual([]);
  }, 60_000);
});

const cents = (units: string | null): number | null =>
  units === null ? null : Number((BigInt(units) * 100n) / euro);
