/** A lost answer is traced by our reference from the instant of the call, whatever the clocks; and a miss is no proof by itself. */
import { expect } from 'vitest';
import { booked, chargeOrder, payoutOrder, shown, type Scenario } from './psp-orders.ts';

const minuteMs = 60_000;
const silentAfterCharge = '4000000000770034';

const skewed = (aheadMs: number): Date => new Date(Date.now() + aheadMs);

export const tracing: readonly Scenario[] = [
  ...([20, -20] as const).map((aheadMin): Scenario => ({
    name: `a charge whose answer was lost is found though our clock is ${aheadMin} minutes off`,
    async run(rig) {
      const order = await chargeOrder(rig, silentAfterCharge, { sentAt: skewed(aheadMin * minuteMs) });
      expect(shown(await rig.connector.authorise(order))).toBe('unknown');
      expect(shown(await rig.connector.status({ ...order, ageMs: 30 * minuteMs }))).toBe('approved');
      expect(await booked(rig, 'charge', order.reference)).toBe(1);
    },
  })),
  {
    name: 'a payout whose answer was lost is found though our clock is 20 minutes off',
    async run(rig) {
      const order = { ...(await payoutOrder(rig, '4242424242424242')), sentAt: skewed(20 * minuteMs) };
      await rig.scenario({ payoutMode: 'timeout_charged' });
      expect(shown(await rig.connector.payout(order))).toBe('unknown');
      await rig.scenario({});
      const told = await rig.connector.payoutStatus({ ...order, ageMs: 30 * minuteMs });
      expect(['pending', 'approved']).toContain(told.kind);
      expect(await booked(rig, 'payout', order.reference)).toBe(1);
    },
  },
  {
    name: 'a question about a call that is closed moves nothing, though its key was never used',
    async run(rig) {
      const charge = await chargeOrder(rig, '4242424242424242', { isClosed: true });
      expect(['not_found', 'unknown']).toContain((await rig.connector.status(charge)).kind);
      expect(await booked(rig, 'charge', charge.reference)).toBe(0);
      const payout = { ...(await payoutOrder(rig, '4242424242424242')), isClosed: true };
      expect(['not_found', 'unknown']).toContain((await rig.connector.payoutStatus(payout)).kind);
      expect(await booked(rig, 'payout', payout.reference)).toBe(0);
      const charged = await rig.connector.authorise({ ...charge, isClosed: false });
      if (charged.kind !== 'approved') throw new Error(`the card is ${charged.kind}`);
      const refund = {
        reference: charge.reference.replace('deposit:', 'refund:').replace(':a1', ':r1'),
        chargeReference: charged.pspReference,
        pspReference: null,
        money: charge.money,
        ageMs: 0,
        isClosed: true,
        evidence: [],
      };
      expect(['not_found', 'unknown']).toContain((await rig.connector.refundStatus(refund)).kind);
      expect(await booked(rig, 'refund', refund.reference)).toBe(0);
    },
  },
  {
    name: 'what is looked for with clocks that disagree by an hour is never proven absent',
    async run(rig) {
      const order = await chargeOrder(rig, silentAfterCharge, { sentAt: skewed(90 * minuteMs) });
      expect(shown(await rig.connector.authorise(order))).toBe('unknown');
      const told = await rig.connector.status({ ...order, ageMs: 30 * minuteMs });
      expect(told).not.toMatchObject({ kind: 'not_found', authoritative: true });
      expect(told.kind).not.toBe('declined');
    },
  },
];
