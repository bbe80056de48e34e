/** Several captures of one authorisation on a real database: random sequences, races, crashes, and the caps around them. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import { orThrow } from '#domain/failures.ts';
import { toMoneyText, toUnits } from '#domain/money.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import {
  approved,
  brand,
  fingerprintOf,
  makePlayer,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  testKeyRing,
} from '#test/workflows/payment-world.ts';
import { findAuthorisation } from './authorisations.ts';
import { requestDeposit } from './commands/request-deposit.ts';
import { requestModification } from './commands/request-modification.ts';
import { requestRefund } from './commands/request-refund.ts';
import type { ModificationOrder, PaymentOrder, PspConnector } from './connectors.ts';

let database: TestDatabase;
const operatorId = randomUUID();
const cent = 10n ** 10n;
const cents = (units: string | bigint | null | undefined): number => Number(BigInt(units ?? 0) / cent);

type Fate = 'done' | 'refused' | 'lost-but-done' | 'lost-and-never' | 'never-left';

/** A PSP with books of its own: what it captured per authorisation, and what it still holds. */
function bookkeepingPsp(several: boolean) {
  const captured = new Map<string, number>();
  const answers = new Map<string, PspOutcome>();
  const plan: { fate: Fate } = { fate: 'done' };
  const script = scriptedPsp('alpha');
  const hold = (order: PaymentOrder): PspOutcome => ({
    kind: 'authorised',
    pspReference: `psp-${order.reference}`,
    authorised: order.money,
    instrument: approvedInstrument(order.token),
    severalCaptures: several && order.captureMode === 'in-parts',
  });
  script.play({ authorise: [hold], status: [hold] });
  const carryOut = (order: ModificationOrder): PspOutcome => {
    const known = answers.get(order.reference);
    if (known) return known;
    const amount = cents(orThrow(toUnits(order.money)));
    if (order.kind === 'capture')
      captured.set(order.chargeReference, (captured.get(order.chargeReference) ?? 0) + amount);
    const outcome: PspOutcome = {
      kind: 'approved',
      pspReference: `${order.kind}-${order.reference}`,
      processed: order.money,
      instrument: null,
    };
    answers.set(order.reference, outcome);
    return outcome;
  };
  const psp: PspConnector = {
    ...script,
    capabilities: {
      ...script.capabilities,
      ...(several ? { severalCaptures: { releasesRest: true } } : {}),
    },
    modifications: {
      modify: (order) => {
        const { fate } = plan;
        if (fate === 'done') return Promise.resolve(carryOut(order));
        if (fate === 'never-left') return Promise.resolve({ kind: 'not_sent', reason: 'planned' });
        if (fate === 'refused') {
          const refused: PspOutcome = {
            kind: 'declined',
            pspReference: null,
            declineClass: 'generic',
            rawCode: 'planned',
            networkCode: null,
          };
          answers.set(order.reference, refused);
          return Promise.resolve(refused);
        }
        if (fate === 'lost-but-done') carryOut(order);
        return Promise.resolve({ kind: 'unknown', reason: 'planned' });
      },
      modificationStatus: ({ reference }) =>
        Promise.resolve(answers.get(reference) ?? { kind: 'not_found', authoritative: true }),
    },
  };
  return { psp, plan, captured: (charge: string) => captured.get(charge) ?? 0 };
}

const approvedInstrument = (token: string) => {
  const outcome = approved({ money: { amount: '1.00', asset: 'EUR' }, reference: 'x', token });
  if (outcome.kind !== 'approved') throw new Error('not approved');
  return outcome.instrument;
};

type World = ReturnType<typeof bookkeepingPsp> & { activities: ReturnType<typeof activitiesOf> };

const activitiesOf = (psp: PspConnector) => {
  const { money, provider } = paymentActivities(database.db, new Map([['alpha', psp]]));
  return { ...money, ...provider };
};

const world = (several = true): World => {
  const made = bookkeepingPsp(several);
  return { ...made, activities: activitiesOf(made.psp) };
};

/** A deposit of 50 euros that the PSP holds. */
async function held({ activities }: World): Promise<{ depositId: string; playerId: string; charge: string }> {
  const playerId = await makePlayer(database.db);
  const depositId = randomUUID();
  orThrow(
    await requestDeposit(database.db, {
      depositId,
      playerId,
      brand,
      jurisdiction: 'MT',
      money: { amount: '50.00', asset: 'EUR' },
      tokens: [{ psp: 'alpha', token: 'tok_alpha' }],
      returnUrl: 'http://shop.test/back',
      fingerprint: fingerprintOf(depositId),
    }),
  );
  expect(await activities.authoriseAttempt({ depositId, number: 1 })).toMatchObject({ state: 'authorised' });
  expect(await activities.holdDeposit({ depositId, number: 1 })).toMatchObject({ state: 'authorised' });
  return { depositId, playerId, charge: `psp-deposit:${depositId}:a1` };
}

const ask = (
  depositId: string,
  kind: 'capture' | 'void',
  amount: number | null = null,
  isFinal = true,
  id = randomUUID(),
) =>
  database.db.transaction().execute((trx) =>
    requestModification(trx, testKeyRing, {
      modificationId: id,
      depositId,
      kind,
      money: amount === null ? null : toMoneyText(BigInt(amount) * cent, 'EUR'),
      isFinal,
      reason: 'shipped in parts',
      operatorId,
      roles: ['payments-lead'],
      fingerprint: fingerprintOf(id),
    }),
  );

/** To its end, as the workflow does it; every step that writes twice, as after a crash. */
async function carry({ activities, plan }: World, modificationId: string, fate: Fate): Promise<string> {
  const at = { modificationId };
  plan.fate = fate;
  await activities.beginModification(at);
  await activities.beginModification(at);
  let call = await activities.sendModification(at);
  // A second sender finds it claimed; what is under way it calls unknown and asks about.
  call = await activities.sendModification(at);
  if (call.state === 'unknown') call = await activities.refreshModification({ ...at });
  const { state } = await activities.settleModification(at);
  expect((await activities.settleModification(at)).state).toBe(state);
  return state;
}

async function standing(depositId: string) {
  const deposit = await database.db
    .selectFrom('payments.deposit')
    .select(['state', 'capturedAmount', 'playerId'])
    .where('id', '=', depositId)
    .executeTakeFirstOrThrow();
  const attempt = await database.db
    .selectFrom('payments.attempt')
    .select(['state', 'processedAmount'])
    .where('depositId', '=', depositId)
    .executeTakeFirstOrThrow();
  const journals = await database.db
    .selectFrom('wallet.journal')
    .select(['externalId', 'amount', 'answers', 'id'])
    .where('subject', '=', `deposit:${depositId}`)
    .where('code', '=', 'deposit.capture')
    .orderBy('occurredAt')
    .execute();
  const { cash } = await database.db
    .selectFrom('wallet.playerWallet')
    .select('cash')
    .where('playerId', '=', deposit.playerId)
    .executeTakeFirstOrThrow();
  const authorisation = await findAuthorisation(database.db, depositId);
  return { deposit, attempt, journals, cash: cents(cash), authorisation };
}

const inParts = (version: number, captureMode: 'in-parts' | 'manual') =>
  database.db
    .insertInto('payments.pspRoute')
    .values({ brand, method: 'card', currency: 'EUR', version, psps: ['alpha'], captureMode })
    .execute();

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
  await inParts(2, 'in-parts');
}, 60_000);
afterAll(() => database?.drop());

type Step = { kind: 'capture' | 'void'; amount: number; isFinal: boolean; fate: Fate };

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('capture', 'capture', 'capture', 'capture', 'void'),
    amount: fc.integer({ min: 1, max: 2_600 }),
    isFinal: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    fate: fc.constantFrom('done', 'done', 'done', 'refused', 'lost-but-done', 'lost-and-never', 'never-left'),
  }),
  { minLength: 1, maxLength: 7 },
);

describe('several captures of one authorisation', () => {
  test('of any sequence: journals, deposit and PSP agree on the sum, which is never above what was authorised', async () => {
    const each = world();
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const { depositId, charge } = await held(each);
        let sum = 0;
        let isOver = false;
        for (const { kind, amount, isFinal, fate } of sequence) {
          const asked = await ask(depositId, kind, kind === 'void' ? null : amount, isFinal);
          if (isOver) {
            expect(asked).toMatchObject({ failure: { code: 'modification-not-open' } });
            continue;
          }
          if (kind === 'capture' && sum + amount > 5_000) {
            expect(asked).toMatchObject({ failure: { code: 'exceeds-authorised' } });
            continue;
          }
          const { id } = orThrow(asked);
          // While one is under way there is no other.
          expect(await ask(depositId, 'capture', 1, false)).toMatchObject({ ok: false });
          const isDone = fate === 'done' || fate === 'lost-but-done';
          expect(await carry(each, id, fate)).toBe(isDone ? 'done' : 'refused');
          if (!isDone) continue;
          if (kind === 'capture') sum += amount;
          isOver = kind === 'void' || isFinal || sum === 5_000;
        }
        const { deposit, attempt, journals, cash, authorisation } = await standing(depositId);
        expect(each.captured(charge)).toBe(sum);
        expect(cash).toBe(sum);
        expect(journals.reduce((total, journal) => total + cents(journal.amount), 0)).toBe(sum);
        expect(new Set(journals.map(({ externalId }) => externalId)).size).toBe(journals.length);
        expect(cents(deposit.capturedAmount)).toBe(sum);
        expect(authorisation).toMatchObject({ claimed: '0', state: isOver ? 'closed' : 'open' });
        expect(cents(authorisation?.captured)).toBe(sum);
        expect(sum).toBeLessThanOrEqual(5_000);
        expect(deposit.state).toBe(sum > 0 ? 'captured' : isOver ? 'failed' : 'authorised');
        if (sum > 0) expect([attempt.state, cents(attempt.processedAmount)]).toEqual(['approved', sum]);
      }),
      { numRuns: 40 },
    );
    const checks = await verifyLedger(database.db);
    expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  }, 120_000);

  test('that are asked for at once pass one at a time, and together never pass the cap', async () => {
    const each = world();
    const { depositId, charge } = await held(each);
    for (let round = 0; round < 4; round += 1) {
      const asked = await Promise.all(
        Array.from({ length: 8 }, () => ask(depositId, 'capture', 1_500, false)),
      );
      const won = asked.filter(({ ok }) => ok);
      expect(won).toHaveLength(round < 3 ? 1 : 0);
      for (const result of won) await carry(each, orThrow(result).id, 'done');
    }
    expect(each.captured(charge)).toBe(4_500);
    expect((await standing(depositId)).cash).toBe(4_500);
  });

  test('are held apart and below the cap by the database, whoever writes the rows', async () => {
    const each = world();
    const { depositId } = await held(each);
    const first = orThrow(await ask(depositId, 'capture', 3_000, false));
    const row = (more: object) => ({
      ...first,
      id: randomUUID(),
      reference: `modification:${randomUUID()}`,
      ...more,
    });
    const insert = (more: object) =>
      database.db.insertInto('payments.modification').values(row(more)).execute();
    await expect(insert({})).rejects.toThrow(/modification_one_at_a_time/);
    await expect(insert({ amount: (5_001n * cent).toString() })).rejects.toThrow(/more would be captured/);
    await expect(
      database.db
        .updateTable('payments.authorisation')
        .set({ claimed: (5_001n * cent).toString() })
        .where('depositId', '=', depositId)
        .execute(),
    ).rejects.toThrow(/never_beyond_the_authorisation/);
    await carry(each, first.id, 'done');
    await expect(insert({ state: 'requested', amount: (2_001n * cent).toString() })).rejects.toThrow(
      /more would be captured/,
    );
    // What was captured cannot be written down otherwise, neither here nor there.
    await expect(
      database.db
        .updateTable('payments.authorisation')
        .set({ captured: '0' })
        .where('depositId', '=', depositId)
        .execute(),
    ).rejects.toThrow(/does not say what its captures say/);
    await expect(
      database.db
        .updateTable('payments.deposit')
        .set({ capturedAmount: '1' })
        .where('id', '=', depositId)
        .execute(),
    ).rejects.toThrow(/cannot shrink/);
  });

  test('settled by two workers at once are credited once each', async () => {
    const each = world();
    const { depositId } = await held(each);
    for (const amount of [1_000, 700]) {
      const { id } = orThrow(await ask(depositId, 'capture', amount, false));
      each.plan.fate = 'done';
      await each.activities.beginModification({ modificationId: id });
      await each.activities.sendModification({ modificationId: id });
      const ends = await Promise.all(
        Array.from({ length: 6 }, () => each.activities.settleModification({ modificationId: id })),
      );
      expect(ends.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'done'));
    }
    const { journals, cash } = await standing(depositId);
    expect(cash).toBe(1_700);
    const [first, further] = journals;
    expect(first).toMatchObject({ externalId: `deposit:${depositId}:capture`, answers: null });
    expect(further?.answers).toBe(first?.id);
    expect(further?.externalId).toMatch(new RegExp(`^deposit:${depositId}:capture:[0-9a-f-]{36}$`));
  });

  test('raise what may be refunded and charged back, to the unit and no further', async () => {
    const each = world();
    const { depositId, playerId } = await held(each);
    const refund = (amount: string) => {
      const refundId = randomUUID();
      return database.db.transaction().execute((trx) =>
        requestRefund(trx, testKeyRing, {
          refundId,
          depositId,
          money: { amount, asset: 'EUR' },
          reason: 'asked for by its player',
          operatorId,
          roles: ['payments-lead'],
          fingerprint: fingerprintOf(refundId),
        }),
      );
    };
    const chargeBack = (amount: number) =>
      database.db.transaction().execute((trx) =>
        postTransfer(trx, {
          key: `dispute:${randomUUID()}:m1`,
          playerId,
          asset: 'EUR',
          amount: BigInt(amount) * cent,
          subject: `deposit:${depositId}`,
          transfer: { code: 'chargeback.open', capture: `deposit:${depositId}:capture` },
        }),
      );
    expect(await refund('1.00')).toMatchObject({ failure: { code: 'refund-not-open' } });
    await carry(each, orThrow(await ask(depositId, 'capture', 1_000, false)).id, 'done');
    expect(await refund('10.01')).toMatchObject({ failure: { code: 'exceeds-captured' } });
    await carry(each, orThrow(await ask(depositId, 'capture', 2_000, false)).id, 'lost-but-done');
    // More than any single capture brought.
    const { id: refundId } = orThrow(await refund('25.00'));
    expect(await refund('5.01')).toMatchObject({ failure: { code: 'exceeds-captured' } });
    await each.activities.beginRefund({ refundId });
    expect(await each.activities.debitRefund({ refundId })).toMatchObject({ state: 'submitted' });
    expect(await chargeBack(501)).toMatchObject({ failure: { code: 'exceeds-captured' } });
    expect(await chargeBack(500)).toMatchObject({ ok: true });
    const checks = await verifyLedger(database.db);
    expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  });

  test('are refused before any effect where the PSP or the brand takes one alone', async () => {
    const one = world(false);
    const { depositId } = await held(one);
    expect(await ask(depositId, 'capture', 1_000, false)).toMatchObject({
      failure: { code: 'several-captures-unsupported', detail: expect.stringContaining('alpha') },
    });
    await inParts(3, 'manual');
    outliveMemory();
    const each = world();
    const other = await held(each);
    expect(await ask(other.depositId, 'capture', 1_000, false)).toMatchObject({
      failure: { code: 'several-captures-unsupported', detail: expect.stringContaining('brand') },
    });
    const rows = await database.db
      .selectFrom('payments.modification')
      .select('id')
      .where('depositId', 'in', [depositId, other.depositId])
      .execute();
    expect(rows).toEqual([]);
    expect(each.captured(other.charge)).toBe(0);
    // One that is final is taken as before, and ends it.
    await carry(each, orThrow(await ask(other.depositId, 'capture', 1_000)).id, 'done');
    expect((await standing(other.depositId)).authorisation).toMatchObject({
      state: 'closed',
      endedBy: 'final-capture',
    });
    await inParts(4, 'in-parts');
  });
});
