/** What a connector must do with wallets: no card, away and back, and an end that may take its time. */
import { expect } from 'vitest';
import type { RefundOrder } from '#activities/payments/connectors.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import {
  askUntil,
  booked,
  chargeOrder,
  evidenceOf,
  passChallenge,
  shown,
  type Scenario,
} from './psp-orders.ts';
import { closedAddress, type PspRig } from './psp-rig.ts';

const walletOrder = (rig: PspRig) => chargeOrder(rig, '', { method: 'e-wallet', token: 'paypal' });

/** What a wallet has paid in, with the account that it told. */
async function paidIn(rig: PspRig) {
  const back = await passChallenge(rig, await walletOrder(rig), 'pass');
  const outcome = await rig.connector.continueAfterAction(back);
  if (outcome.kind !== 'approved') throw new Error(`the wallet is ${outcome.kind}`);
  return outcome;
}

let payouts = 0;

/** A withdrawal's leg, which goes back by the charge under the payout's own reference. */
function payoutBy(chargeReference: string, amount: string): RefundOrder {
  payouts += 1;
  return {
    reference: `withdrawal:0198c0de-0000-4000-9000-${String(payouts).padStart(12, '0')}:p1`,
    chargeReference,
    money: { amount, asset: 'EUR' },
    pspReference: null,
    ageMs: 0,
    evidence: [],
  };
}

async function askedUntil(rig: PspRig, order: RefundOrder, kind: PspOutcome['kind']): Promise<PspOutcome> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const outcome = await rig.connector.refundStatus({
      ...order,
      evidence: evidenceOf(rig, order.reference),
    });
    if (outcome.kind === kind || Date.now() > deadline) return outcome;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

const nameOf = (outcome: PspOutcome): string | null =>
  'pspReference' in outcome ? outcome.pspReference : null;

export const wallets: readonly Scenario[] = [
  {
    name: 'a wallet tells its account where the PSP passes it on, and the same one for the same player',
    async run(rig) {
      const [first, second] = [await paidIn(rig), await paidIn(rig)];
      if (rig.habits.tellsWalletAccount) expect(first.walletAccount).toMatch(/^[A-Z0-9]{13}$/);
      else expect(first.walletAccount ?? null).toBeNull();
      expect(second.walletAccount).toEqual(first.walletAccount);
    },
  },
  {
    name: 'a withdrawal goes back to the wallet by its charge, in parts, once each, and never beyond it',
    async run(rig) {
      const { pspReference: charge } = await paidIn(rig);
      for (const order of [payoutBy(charge, '5.00'), payoutBy(charge, '7.34')]) {
        const first = await rig.connector.refund(order);
        expect(['approved', 'pending']).toContain(first.kind);
        await rig.connector.refund(order);
        const asked = await askedUntil(rig, { ...order, pspReference: nameOf(first) }, 'approved');
        expect(asked).toMatchObject({ kind: 'approved', processed: order.money });
        expect(await booked(rig, 'refund', order.reference)).toBe(1);
        // The answer with the PSP's name of it may have been lost: our reference alone finds it, too.
        expect(await askedUntil(rig, order, 'approved')).toMatchObject({ kind: 'approved' });
      }
      expect((await rig.connector.refund(payoutBy(charge, '0.01'))).kind).toBe('declined');
    },
  },
  {
    name: 'a withdrawal to a wallet that did not leave is not sent, and one without an answer is unknown',
    async run(rig) {
      const order = payoutBy((await paidIn(rig)).pspReference, '5.00');
      expect((await rig.connectTo(await closedAddress()).refund(order)).kind).toBe('not_sent');
      await rig.scenario({ mode: 'drop' });
      expect((await rig.connector.refund(order)).kind).toBe('unknown');
      expect((await rig.connector.refundStatus(order)).kind).toBe('unknown');
      expect(await booked(rig, 'refund', order.reference)).toBe(0);
    },
  },
  {
    name: 'a withdrawal that the wallet does not take is declined once it has said so',
    async run(rig) {
      const order = payoutBy((await paidIn(rig)).pspReference, '5.00');
      await rig.scenario({ walletRefund: 'fails' });
      const first = await rig.connector.refund(order);
      expect(first.kind).toBe('pending');
      const asked = await askedUntil(rig, { ...order, pspReference: nameOf(first) }, 'declined');
      expect(asked.kind).toBe('declined');
      expect(await booked(rig, 'refund', order.reference)).toBe(0);
    },
  },
  {
    name: 'a withdrawal that a wallet sends back after it was paid is told as declined from then on',
    async run(rig) {
      const order = payoutBy((await paidIn(rig)).pspReference, '5.00');
      await rig.scenario({ walletRefund: 'returns', lateMs: 1_500 });
      const first = await rig.connector.refund(order);
      const paid = { ...order, pspReference: nameOf(first) };
      expect((await askedUntil(rig, paid, 'approved')).kind).toBe('approved');
      expect((await askedUntil(rig, { ...paid, isClosed: true }, 'declined')).kind).toBe('declined');
    },
  },
  {
    name: 'a wallet sends the player away, and a yes there is approved without a card',
    async run(rig) {
      expect(rig.connector.capabilities.wallets).toContain('paypal');
      const back = await passChallenge(rig, await walletOrder(rig), 'pass');
      expect(await booked(rig, 'charge', back.reference)).toBe(rig.habits.takesOnReturn ? 0 : 1);
      const outcome = await rig.connector.continueAfterAction(back);
      expect(outcome).toMatchObject({
        kind: 'approved',
        processed: { amount: '12.34', asset: 'EUR' },
        instrument: null,
      });
      expect(shown(await rig.connector.status(back))).toBe('approved');
      expect(await booked(rig, 'charge', back.reference)).toBe(1);
    },
  },
  {
    name: 'a wallet that the player refused takes nothing, and no other PSP is asked',
    async run(rig) {
      const back = await passChallenge(rig, await walletOrder(rig), 'fail');
      expect(['declined:not_authenticated', 'cancelled']).toContain(
        shown(await rig.connector.continueAfterAction(back)),
      );
      expect(await booked(rig, 'charge', back.reference)).toBe(0);
    },
  },
  ...(
    [
      ['pending', 'approved'],
      ['pending_declined', 'declined'],
    ] as const
  ).map(([wallet, ending]): Scenario => ({
    name: `a wallet that takes its time is pending until it is ${ending}`,
    async run(rig) {
      await rig.scenario({ wallet, lateMs: 400 });
      const back = await passChallenge(rig, await walletOrder(rig), 'pass');
      expect(shown(await rig.connector.continueAfterAction(back))).toBe('pending');
      const ended = await askUntil(rig, back, rig.connector.status, ['approved', 'declined']);
      expect(ended.kind).toBe(ending);
      expect(await booked(rig, 'charge', back.reference)).toBe(ending === 'approved' ? 1 : 0);
    },
  })),
];
