/** A hold on a card that comes after its attempt was closed: nobody would capture it, so it is given back. */
import { expect, test } from 'vitest';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { outliveMemory } from '#test/support/passing-time.ts';
import { openAlphaWorld } from '#test/workflows/alpha-world.ts';
import {
  approved,
  askDeposit,
  brand,
  declined,
  makePlayer,
  notSent,
  unknown,
  workItemsOf,
} from '#test/workflows/payment-world.ts';
import { askVoidSoon, closeWorkItem } from './commands/work-item-actions.ts';
import type { ModificationOrder, PaymentOrder } from './connectors.ts';
import { takeDueVoids } from './late-authorisation.ts';

const world = openAlphaWorld();
const { alpha, acts } = world;

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
  const { db } = world;
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
  // Done is done: the PSP goes on to tell of the hold that it had granted.
  expect(orders).toMatchObject([order]);
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual([]);
});

test.each([
  ['refused', declined('generic')],
  ['unclear', unknown],
  ['not sent', notSent],
])('a void of a late authorisation that is %s is shown to a person', async (_name, answer) => {
  const at = await closed();
  alpha.play({ status: [held], modify: [answer] });
  expect(await acts().provider.refreshAttempt(at)).toMatchObject({ state: 'declined' });
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual(['late-approval:open']);
});

const pending = (): PspOutcome => ({ kind: 'pending', pspReference: 'psp-void-1' });
const voidOf = (depositId: string) =>
  world.db
    .selectFrom('payments.lateVoid')
    .selectAll()
    .where('depositId', '=', depositId)
    .executeTakeFirstOrThrow();
const age = (depositId: string, interval: string) =>
  world.database.ownerPool.query(
    `alter table payments.late_void disable trigger late_void_content;
     update payments.late_void set sent_at = sent_at - interval '${interval}', poked_at = poked_at - interval '${interval}'
       where deposit_id = '${depositId}';
     alter table payments.late_void enable trigger late_void_content`,
  );
const isDue = async (depositId: string) =>
  (await takeDueVoids(world.db)).some((due) => due.depositId === depositId);

test('a void that the PSP only took is asked about until it is done, and needs nobody', async () => {
  const at = await closed();
  const asked: ModificationOrder[] = [];
  alpha.play({
    status: [held],
    modify: [pending],
    modificationStatus: [
      (order) => (asked.push(order), pending()),
      (order) => (asked.push(order), voided(order)),
    ],
  });
  const { refreshAttempt } = acts().provider;
  await refreshAttempt(at);
  expect(await isDue(at.depositId)).toBe(false);
  await age(at.depositId, '2 minutes');
  expect(await isDue(at.depositId)).toBe(true);
  expect(await isDue(at.depositId)).toBe(false);
  await refreshAttempt(at);
  expect(asked[0]).toMatchObject({ pspReference: 'psp-void-1', kind: 'void' });
  expect(await voidOf(at.depositId)).toMatchObject({ state: 'asked' });
  await refreshAttempt(at);
  expect(await voidOf(at.depositId)).toMatchObject({ state: 'voided' });
  await age(at.depositId, '3 days');
  expect(await isDue(at.depositId)).toBe(false);
  expect(alpha.calls.filter((call) => call === 'modify')).toHaveLength(1);
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual([]);
});

test('a void that is not done after a day is shown to a person, and its item closes when it is', async () => {
  const at = await closed();
  alpha.play({ status: [held], modify: [pending], modificationStatus: [pending, voided] });
  const { refreshAttempt } = acts().provider;
  await refreshAttempt(at);
  await age(at.depositId, '25 hours');
  await refreshAttempt(at);
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual(['late-approval:open']);
  await refreshAttempt(at);
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual(['late-approval:closed']);
});

test('a void without trace at the PSP is sent again under its key', async () => {
  const at = await closed();
  const orders: ModificationOrder[] = [];
  alpha.play({
    status: [held],
    modify: [unknown, (order) => (orders.push(order), voided(order))],
    modificationStatus: [() => ({ kind: 'not_found', authoritative: false })],
  });
  const { refreshAttempt } = acts().provider;
  await refreshAttempt(at);
  await refreshAttempt(at);
  expect(orders).toMatchObject([{ reference: `deposit:${at.depositId}:a1:v` }]);
  expect(await voidOf(at.depositId)).toMatchObject({ state: 'voided' });
});

test('a hold that ended at the PSP without us, by hand or by its time, closes the item of a refused void', async () => {
  const at = await closed();
  alpha.play({
    status: [held, () => ({ kind: 'cancelled', pspReference: null })],
    modify: [declined('generic')],
  });
  const { refreshAttempt } = acts().provider;
  await refreshAttempt(at);
  expect(await voidOf(at.depositId)).toMatchObject({ state: 'refused' });
  await refreshAttempt(at);
  expect(await voidOf(at.depositId)).toMatchObject({ state: 'voided' });
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual(['late-approval:closed']);
});

test('a hold that was captured instead is money that came late, and stays with a person', async () => {
  const at = await closed();
  alpha.play({ status: [held, approved], modify: [declined('generic')] });
  const { refreshAttempt } = acts().provider;
  await refreshAttempt(at);
  expect(await refreshAttempt(at)).toMatchObject({ state: 'late_approved' });
  expect(await voidOf(at.depositId)).toMatchObject({ state: 'captured' });
  expect(await workItemsOf(world.db, `deposit:${at.depositId}`)).toEqual(['late-approval:open']);
});

test('whoever owns the item closes it with the void, once the PSP shows it, and with no other hold’s', async () => {
  const { db } = world;
  const at = await closed();
  alpha.play({
    status: [held, () => ({ kind: 'cancelled', pspReference: null })],
    modify: [declined('generic')],
  });
  const { refreshAttempt } = acts().provider;
  await refreshAttempt(at);
  const { workItemId, reference } = await voidOf(at.depositId);
  const id = workItemId ?? '';
  await db.updateTable('payments.workItem').set({ owner: at.depositId }).where('id', '=', id).execute();
  await db
    .updateTable('payments.lateVoid')
    .set({ pokes: 9, pokedAt: new Date() })
    .where('workItemId', '=', id)
    .execute();
  const close = (proof: string) =>
    db.transaction().execute((trx) =>
      closeWorkItem(trx, id, {
        reason: 'voided in the PSP’s own pages',
        proof: { kind: 'void', reference: proof },
        operatorId: at.depositId,
      }),
    );
  expect(await close(reference)).toMatchObject({ ok: false, failure: { code: 'invalid-request' } });
  await askVoidSoon(db, id);
  await age(at.depositId, '2 minutes');
  expect(await isDue(at.depositId)).toBe(true);
  await refreshAttempt(at);
  expect(await workItemsOf(db, `deposit:${at.depositId}`)).toEqual(['late-approval:open']);
  expect(await close(`deposit:${at.depositId}:a2:v`)).toMatchObject({ ok: false });
  expect(await close(reference)).toMatchObject({ ok: true, value: { proofKind: 'void' } });
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
