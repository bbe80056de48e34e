/** What a connector must do with authorisations: hold, capture once or in parts, void, and tell when it does not know. */
import { expect } from 'vitest';
import type { ModificationOrder } from '#activities/payments/connectors.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import { closedAddress, type PspRig } from './psp-rig.ts';
import { booked, chargeOrder, evidenceOf, shown, type Scenario } from './psp-orders.ts';

type Kind = ModificationOrder['kind'];

/** An authorisation of 12.34 EUR, and the order that changes it. */
async function held(
  rig: PspRig,
  number = '4242424242424242',
  captureMode: 'manual' | 'in-parts' = 'manual',
): Promise<{
  reference: string;
  several: boolean;
  order: (kind: Kind, amount?: string, more?: Partial<ModificationOrder>) => ModificationOrder;
}> {
  const charge = await chargeOrder(rig, number, { captureMode });
  const outcome = await rig.connector.authorise(charge);
  expect(outcome).toMatchObject({ kind: 'authorised', authorised: { amount: '12.34', asset: 'EUR' } });
  if (outcome.kind !== 'authorised') throw new Error(`the card is ${outcome.kind}`);
  expect(shown(await rig.connector.status(charge))).toBe('authorised');
  expect(await booked(rig, 'charge', charge.reference)).toBe(0);
  let count = 0;
  return {
    reference: charge.reference,
    several: outcome.severalCaptures === true,
    order: (kind, amount = '12.34', more = {}) => {
      count += 1;
      const id = (charge.reference.split(':')[1] ?? '').replace('0198c0de', `0198c0d${count}`);
      return {
        kind,
        isFinal: true,
        capturedBefore: { amount: '0.00', asset: 'EUR' },
        reference: `modification:${id}`,
        chargeReference: outcome.pspReference,
        pspReference: null,
        money: { amount, asset: 'EUR' },
        ageMs: 0,
        evidence: [],
        ...more,
      };
    },
  };
}

const parts = (rig: PspRig) => {
  const known = rig.connector.modifications;
  if (known === undefined) throw new Error('expected a connector that captures');
  return known;
};

const card = '4242424242424242';
const euro = (amount: string) => ({ amount, asset: 'EUR' });
/** One that others may follow, after captures of so much. */
const after = (amount: string) => ({ isFinal: false, capturedBefore: euro(amount) });
const lastAfter = (amount: string) => ({ capturedBefore: euro(amount) });

/** Asks until it is no longer open, with the webhooks that have come by then. */
async function end(rig: PspRig, order: ModificationOrder, first: PspOutcome): Promise<PspOutcome> {
  let outcome = first;
  const pspReference = 'pspReference' in first ? first.pspReference : null;
  const deadline = Date.now() + 5_000;
  while (['pending', 'unknown', 'not_found'].includes(outcome.kind) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    outcome = await parts(rig).modificationStatus({
      ...order,
      pspReference,
      evidence: evidenceOf(rig, order.reference),
    });
  }
  return outcome;
}

const done = async (rig: PspRig, order: ModificationOrder): Promise<PspOutcome> =>
  end(rig, order, await parts(rig).modify(order));

const bookedAmount = async (rig: PspRig, reference: string): Promise<string[]> =>
  (await rig.movements())
    .filter((row) => row.kind === 'charge' && row.reference === reference)
    .map((row) => row.amount);

export const modifications: readonly Scenario[] = [
  {
    name: 'a hold is told by a webhook that says so, so that one on a closed attempt is heard of',
    async run(rig) {
      const { reference } = await held(rig);
      const told = await rig.receiver.waitFor(({ body, headers }) => {
        const notices = rig.connector.verifyWebhook(
          Buffer.from(body),
          new Headers(headers as Record<string, string>),
        );
        return notices.ok && notices.value.some((one) => one.reference === reference && one.saysApproved);
      });
      expect(told.body).toContain(reference);
    },
  },
  {
    name: 'a capture in part moves that part, once, and tells it',
    async run(rig) {
      const { reference, order } = await held(rig);
      const capture = order('capture', '5.00');
      expect(await done(rig, capture)).toMatchObject({
        kind: 'approved',
        processed: { amount: '5.00', asset: 'EUR' },
      });
      expect((await done(rig, capture)).kind).toBe('approved');
      expect(await bookedAmount(rig, reference)).toEqual(['500']);
    },
  },
  {
    name: 'a capture beyond the authorisation is refused, and moves nothing',
    async run(rig) {
      const { reference, order } = await held(rig);
      expect((await done(rig, order('capture', '12.35'))).kind).toBe('declined');
      expect(await booked(rig, 'charge', reference)).toBe(0);
    },
  },
  {
    name: 'a void gives the whole authorisation up, and nothing can be captured afterwards',
    async run(rig) {
      const { reference, order } = await held(rig);
      expect(await done(rig, order('void'))).toMatchObject({
        kind: 'approved',
        processed: { amount: '12.34', asset: 'EUR' },
      });
      expect((await done(rig, order('capture'))).kind).toBe('declined');
      expect(await booked(rig, 'charge', reference)).toBe(0);
    },
  },
  {
    name: 'a void after a capture is refused, and the money stays',
    async run(rig) {
      const { reference, order } = await held(rig);
      expect((await done(rig, order('capture'))).kind).toBe('approved');
      expect((await done(rig, order('void'))).kind).toBe('declined');
      expect(await bookedAmount(rig, reference)).toEqual(['1234']);
    },
  },
  {
    name: 'a capture that failed is told as declined, and the authorisation can still be voided',
    async run(rig) {
      const { reference, order } = await held(rig, '4000000000990087');
      expect((await done(rig, order('capture'))).kind).toBe('declined');
      expect((await done(rig, order('void'))).kind).toBe('approved');
      expect(await booked(rig, 'charge', reference)).toBe(0);
    },
  },
  {
    name: 'a capture without an answer is unknown, and the status finds the one that was made',
    async run(rig) {
      const { reference, order } = await held(rig);
      const capture = order('capture', '7.00');
      await rig.scenario({ modifyDelivery: 'drop' });
      const first = await parts(rig).modify(capture);
      expect(first.kind).toBe('unknown');
      await rig.scenario({});
      expect(await end(rig, capture, first)).toMatchObject({
        kind: 'approved',
        processed: { amount: '7.00' },
      });
      expect(await bookedAmount(rig, reference)).toEqual(['700']);
    },
  },
  {
    name: 'a capture that did not leave is not sent, and a question about it proves nothing',
    async run(rig) {
      const { order } = await held(rig);
      const dead = parts({ ...rig, connector: rig.connectTo(await closedAddress()) });
      expect((await dead.modify(order('capture'))).kind).toBe('not_sent');
      expect((await dead.modificationStatus(order('capture'))).kind).toBe('unknown');
    },
  },
  {
    name: 'several captures move each its own part, and nothing can be captured after the last',
    async run(rig) {
      const { reference, several, order } = await held(rig, card, 'in-parts');
      expect(several).toBe(true);
      for (const [part, more] of [
        ['3.00', after('0.00')],
        ['3.00', after('3.00')],
        ['4.00', lastAfter('6.00')],
      ] as const) {
        const capture = order('capture', part, more);
        expect(await done(rig, capture)).toMatchObject({ kind: 'approved', processed: euro(part) });
        // A repeat is the same capture.
        expect((await done(rig, capture)).kind).toBe('approved');
      }
      expect(await bookedAmount(rig, reference)).toEqual(['300', '300', '400']);
      // Where it keeps the rest it must be told to let go.
      const keepsRest = rig.connector.capabilities.severalCaptures?.releasesRest === false;
      const rest = order('void', '2.34', lastAfter('10.00'));
      if (keepsRest) expect((await done(rig, rest)).kind).toBe('approved');
      expect((await done(rig, order('capture', '2.34', lastAfter('10.00')))).kind).toBe('declined');
      expect(await bookedAmount(rig, reference)).toHaveLength(3);
    },
  },
  {
    name: 'captures up to the whole authorisation end it, and one beyond what is left is refused before',
    async run(rig) {
      const { reference, order } = await held(rig, card, 'in-parts');
      expect((await done(rig, order('capture', '10.00', after('0.00')))).kind).toBe('approved');
      expect((await done(rig, order('capture', '2.35', lastAfter('10.00')))).kind).toBe('declined');
      expect((await done(rig, order('capture', '2.34', lastAfter('10.00')))).kind).toBe('approved');
      expect((await done(rig, order('void', '0.01', lastAfter('12.34')))).kind).toBe('declined');
      expect(await bookedAmount(rig, reference)).toEqual(['1000', '234']);
    },
  },
  {
    name: 'what is left after a part was captured can be given up, and the part stays',
    async run(rig) {
      const { reference, order } = await held(rig, card, 'in-parts');
      expect((await done(rig, order('capture', '5.00', after('0.00')))).kind).toBe('approved');
      const rest = order('void', '7.34', lastAfter('5.00'));
      expect(await done(rig, rest)).toMatchObject({ kind: 'approved', processed: euro('7.34') });
      expect((await done(rig, order('capture', '1.00', after('5.00')))).kind).toBe('declined');
      expect(await bookedAmount(rig, reference)).toEqual(['500']);
    },
  },
  {
    name: 'a further capture without an answer is not taken for the one before it, though it is as large',
    async run(rig) {
      const { reference, order } = await held(rig, card, 'in-parts');
      expect((await done(rig, order('capture', '4.00', after('0.00')))).kind).toBe('approved');
      // One that never arrived, and then one whose answer was lost.
      const lost = order('capture', '4.00', after('4.00'));
      const never = parts({ ...rig, connector: rig.connectTo(await closedAddress()) });
      expect((await never.modify(lost)).kind).toBe('not_sent');
      if (rig.connector.capabilities.statusBy === 'query')
        expect((await parts(rig).modificationStatus(lost)).kind).toBe('not_found');
      await rig.scenario({ modifyDelivery: 'drop' });
      const first = await parts(rig).modify(lost);
      expect(first.kind).toBe('unknown');
      await rig.scenario({});
      expect(await end(rig, lost, first)).toMatchObject({ kind: 'approved', processed: euro('4.00') });
      expect(await bookedAmount(rig, reference)).toEqual(['400', '400']);
    },
  },
];
