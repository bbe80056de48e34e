/** A hold on a card that comes after its attempt was closed: nobody would capture it, so it is given back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import {
  approved,
  askDeposit,
  brand,
  declined,
  makePlayer,
  notSent,
  paymentActivities,
  scriptedPsp,
  seedWorld,
  unknown,
  workItemsOf,
} from '#test/workflows/payment-world.ts';
import type { ModificationOrder, PaymentOrder } from './connectors.ts';

let database: TestDatabase;
const alpha = scriptedPsp('alpha');

beforeAll(async () => {
  database = await createTestDatabase();
  await seedWorld(database.db);
}, 60_000);
afterAll(() => database?.drop());

const acts = () => paymentActivities(database.db, new Map([['alpha', alpha]]));

const held = (order: PaymentOrder): PspOutcome => ({
  kind: 'authorised',
  pspReference: `psp-${order.reference}`,
  authorised: order.money,
  instrument: null,
});
const voided = ({ chargeReference, money }: ModificationOrder): PspOutcome => ({
  kind: 'approved',
  pspReference: chargeReference,
  processed: money,
  instrument: null,
});

/** Of the route, above the seeded ones. */
let version = 10;
let lastMode: 'manual' | 'automatic' = 'manual';

/** A deposit with its first attempt, not sent yet. */
async function asked(
  captureMode: 'manual' | 'automatic' = 'manual',
): Promise<{ depositId: string; number: number }> {
  const { db } = database;
  version += 1;
  await db
    .insertInto('payments.pspRoute')
    .values({ brand, method: 'card', currency: 'EUR', version, psps: ['alpha'], captureMode })
    .execute();
  if (captureMode !== lastMode) outliveMemory();
  lastMode = captureMode;
  const { id: depositId } = await askDeposit(db, await makePlayer(db));
  return { depositId, number: 1 };
}

/** Closed as declined. */
async function closed(captureMode: 'manual' | 'automatic' = 'manual') {
  const at = await asked(captureMode);
  alpha.play({ authorise: [declined('generic')] });
  await acts().provider.authoriseAttempt(at);
  return at;
}

test('a late authorisation is voided under one key, however often it is told', async () => {
  const at = await closed();
  const orders: ModificationOrder[] = [];
  alpha.play({ status: [held], modify: [(order) => (orders.push(order), voided(order))] });
  const { refreshAttempt } = acts().provider;
  expect(await refreshAttempt(at)).toMatchObject({ state: 'declined' });
  expect(await refreshAttempt(at)).toMatchObject({ state: 'declined' });
  const reference = `deposit:${at.depositId}:a1`;
  const order = {
    kind: 'void',
    reference: `${reference}:v`,
    chargeReference: `psp-${reference}`,
    money: { amount: '50.00', asset: 'EUR' },
  };
  expect(orders).toMatchObject([order, order]);
  expect(await workItemsOf(database.db, `deposit:${at.depositId}`)).toEqual([]);
});

test.each([
  ['refused', declined('generic')],
  ['unclear', unknown],
  ['not sent', notSent],
])('a void of a late authorisation that is %s is shown to a person', async (_name, answer) => {
  const at = await closed();
  alpha.play({ status: [held], modify: [answer] });
  expect(await acts().provider.refreshAttempt(at)).toMatchObject({ state: 'declined' });
  expect(await workItemsOf(database.db, `deposit:${at.depositId}`)).toEqual(['late-approval:open']);
});

test('a call whose attempt was closed while it was under way gives back what it was granted', async () => {
  const at = await asked();
  let answer: (outcome: PspOutcome) => void = () => {};
  let order: PaymentOrder | undefined;
  const sent = new Promise<void>((resolve) =>
    alpha.play({
      authorise: [
        (given) => {
          order = given;
          resolve();
          return new Promise<PspOutcome>((settle) => {
            answer = settle;
          });
        },
      ],
      status: [() => ({ kind: 'not_found', authoritative: true }), held],
      modify: [voided],
    }),
  );
  const { authoriseAttempt, refreshAttempt } = acts().provider;
  const sending = authoriseAttempt(at);
  await sent;
  expect(await refreshAttempt(at)).toMatchObject({ state: 'not_sent' });
  if (order !== undefined) answer(held(order));
  expect(await sending).toMatchObject({ state: 'not_sent' });
  expect(alpha.calls).toEqual(['authorise', 'status', 'status', 'modify']);
});

test('a hold whose attempt is open, and one of a charge that captures itself, are left alone', async () => {
  const open = await asked();
  alpha.play({ authorise: [held], status: [held] });
  expect(await acts().provider.authoriseAttempt(open)).toMatchObject({ state: 'authorised' });
  expect(await acts().provider.refreshAttempt(open)).toMatchObject({ state: 'authorised' });
  const itself = await closed('automatic');
  alpha.play({ status: [held, approved] });
  expect(await acts().provider.refreshAttempt(itself)).toMatchObject({ state: 'declined' });
  expect(await acts().provider.refreshAttempt(itself)).toMatchObject({ state: 'late_approved' });
});

test('a hold that was ours and has been voided is not voided again', async () => {
  const at = await asked();
  alpha.play({ authorise: [held], status: [held] });
  const { provider } = acts();
  await provider.authoriseAttempt(at);
  await provider.holdDeposit(at);
  alpha.play({ status: [() => ({ kind: 'cancelled', pspReference: null }), held] });
  expect(await provider.refreshAttempt(at)).toMatchObject({ state: 'cancelled' });
  expect(await provider.refreshAttempt(at)).toMatchObject({ state: 'cancelled' });
  expect(alpha.calls).toEqual(['status', 'status']);
});
