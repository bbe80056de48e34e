/** The contract of every PSP connector, scenario by scenario. One that breaks it must not be routed to. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { authentications } from './authentication-contract.ts';
import { disputeScenarios } from './dispute-contract.ts';
import { fraudAlertScenarios } from './fraud-alert-contract.ts';
import { modifications } from './modification-contract.ts';
import { closedAddress, type PspRig } from './psp-rig.ts';
import { tracing } from './tracing-contract.ts';
import { wallets } from './wallet-contract.ts';
import {
  askUntil,
  booked,
  chargeOrder,
  mandated,
  passChallenge,
  payoutOrder,
  shown,
  type Scenario,
} from './psp-orders.ts';

const good = '4242424242424242';
const challenged = '4000000000003220';

const declines = {
  generic: '4000000000000002',
  soft_later: '4000000000009995',
  fix_data: '4000000000000069',
  hard_never: '4000000000009979',
  psp_risk: '4100000000000019',
  issuer_unavailable: '4000000000000119',
  sca_required: '4000002500003155',
} as const;

const unclear = {
  'silence after the charge': '4000000000770034',
  'an error 500 after the charge': '4000000000770042',
  'a connection cut after the charge': '4000000000770059',
} as const;

const charging: readonly Scenario[] = [
  {
    name: 'an approval tells the processed amount and a token that can be charged again',
    async run(rig) {
      const order = await chargeOrder(rig, good);
      const outcome = await rig.connector.authorise(order);
      expect(outcome).toMatchObject({
        kind: 'approved',
        processed: { amount: '12.34', asset: 'EUR' },
        instrument: { last4: '4242', expiryMonth: 12, expiryYear: 2031 },
      });
      expect(await rig.connector.status(order)).toEqual(outcome);
      expect(await booked(rig, 'charge', order.reference)).toBe(1);
      if (outcome.kind !== 'approved' || outcome.instrument === null) throw new Error('no instrument');
      const again = await chargeOrder(rig, good, { token: outcome.instrument.token });
      expect(shown(await rig.connector.authorise(again))).toBe('approved');
    },
  },
  {
    name: 'a charge and a hold tell whose they are, also where the PSP has another player for them than was asked',
    async run(rig) {
      for (const captureMode of ['automatic', 'manual'] as const) {
        const ours = await chargeOrder(rig, good, { captureMode });
        expect(await rig.connector.authorise(ours)).toMatchObject({ playerId: ours.playerId });
        expect(await rig.connector.status(ours)).toMatchObject({ playerId: ours.playerId });
        const order = await chargeOrder(rig, good, { captureMode });
        await rig.scenario({ shopper: 'somebody-else' });
        await rig.connector.authorise(order);
        expect(await rig.connector.status(order)).toMatchObject({ playerId: 'somebody-else' });
        await rig.scenario({});
      }
    },
  },
  {
    name: 'a card has one name whatever its token, and it is told with a refusal, too',
    async run(rig) {
      const named = async (number: string) => {
        const outcome = await rig.connector.authorise(await chargeOrder(rig, number));
        if (outcome.kind !== 'approved' && outcome.kind !== 'declined') throw new Error(outcome.kind);
        expect(outcome.card).toMatchObject({ fingerprint: expect.any(String), network: 'visa' });
        return outcome.card?.fingerprint;
      };
      expect(await named(good)).toBe(await named(good));
      expect(await named(declines.generic)).toBe(await named(declines.generic));
      expect(await named(good)).not.toBe(await named(declines.generic));
    },
  },
  ...Object.entries(declines).map(([declineClass, number]): Scenario => ({
    name: `a refusal is declined as ${declineClass}, and nothing is charged`,
    async run(rig) {
      const order = await chargeOrder(rig, number);
      expect(shown(await rig.connector.authorise(order))).toBe(`declined:${declineClass}`);
      expect(await booked(rig, 'charge', order.reference)).toBe(0);
    },
  })),
  {
    name: 'a step-up after a soft decline leads to a challenge at the same PSP with the same token',
    async run(rig) {
      const first = await chargeOrder(rig, declines.sca_required);
      expect(shown(await rig.connector.authorise(first))).toBe('declined:sca_required');
      const second = {
        ...first,
        reference: first.reference.replace(':a1', ':a2'),
        stepUp: true,
        threeDs: mandated,
      };
      expect(shown(await rig.connector.authorise(second))).toBe('action');
    },
  },
  ...(['pass', 'fail'] as const).map((outcome): Scenario => ({
    name: `a challenge that is answered with ${outcome} ends so, for the return and for the status`,
    async run(rig) {
      const expected = outcome === 'pass' ? 'approved' : 'declined:not_authenticated';
      const back = await passChallenge(rig, await chargeOrder(rig, challenged), outcome);
      expect(shown(await rig.connector.continueAfterAction(back))).toBe(expected);
      expect(shown(await rig.connector.continueAfterAction(back))).toBe(expected);
      expect(shown(await rig.connector.status(back))).toBe(expected);
      expect(await booked(rig, 'charge', back.reference)).toBe(outcome === 'pass' ? 1 : 0);
    },
  })),
  {
    name: 'a challenge that nobody took ends cancelled, and not before the PSP says so',
    async run(rig) {
      const order = await chargeOrder(rig, challenged);
      const action = await rig.connector.authorise(order);
      const waiting = { ...order, pspReference: 'pspReference' in action ? action.pspReference : null };
      if (rig.habits.abandonedChallenge === 'expires') {
        expect(shown(await rig.connector.cancel(waiting))).toBe('action');
        await rig.scenario({ challengeMs: 0 });
      }
      expect(shown(await rig.connector.cancel(waiting))).toBe('cancelled');
      expect(await booked(rig, 'charge', order.reference)).toBe(0);
    },
  },
  {
    name: 'the same order sent twice charges once',
    async run(rig) {
      const order = await chargeOrder(rig, good);
      expect(shown(await rig.connector.authorise(order))).toBe('approved');
      expect(shown(await rig.connector.authorise(order))).toBe('approved');
      expect(await booked(rig, 'charge', order.reference)).toBe(1);
    },
  },
];

const unclearAnswers: readonly Scenario[] = [
  ...Object.entries(unclear).map(([what, number]): Scenario => ({
    name: `${what} is unknown, and the status finds the one charge`,
    async run(rig) {
      const order = await chargeOrder(rig, number);
      expect(shown(await rig.connector.authorise(order))).toBe('unknown');
      expect(shown(await rig.connector.status(order))).toBe('approved');
      expect(await booked(rig, 'charge', order.reference)).toBe(1);
    },
  })),
  {
    name: 'silence without a charge is unknown, and the status says what the books say',
    async run(rig) {
      await rig.scenario({ mode: 'timeout_not_charged' });
      const order = await chargeOrder(rig, good);
      expect(shown(await rig.connector.authorise(order))).toBe('unknown');
      await rig.scenario({});
      const status = await rig.connector.status(order);
      if (status.kind === 'not_found') expect(status.authoritative).toBe(false);
      const charges = await booked(rig, 'charge', order.reference);
      expect(status.kind).toBe(charges === 1 ? 'approved' : 'not_found');
      expect(charges).toBeLessThanOrEqual(1);
    },
  },
  {
    name: 'a late success is never concluded before it is there, and then found with one charge',
    async run(rig) {
      await rig.scenario({ lateMs: 3_000 });
      const order = await chargeOrder(rig, '4000000000770067');
      expect(shown(await rig.connector.authorise(order))).toBe('unknown');
      const early = await rig.connector.status(order);
      expect(['unknown', 'not_found', 'pending']).toContain(early.kind);
      if (early.kind === 'not_found') expect(early.authoritative).toBe(false);
      expect(shown(await askUntil(rig, order, rig.connector.status, ['approved']))).toBe('approved');
      expect(await booked(rig, 'charge', order.reference)).toBe(1);
    },
  },
  {
    name: 'a payment that is still processed is pending until it is approved',
    async run(rig) {
      await rig.scenario({ lateMs: 500 });
      const order = await chargeOrder(rig, '4000000000770075');
      expect(shown(await rig.connector.authorise(order))).toBe('pending');
      expect(shown(await askUntil(rig, order, rig.connector.status, ['approved']))).toBe('approved');
    },
  },
  {
    name: 'a refused connection is proof that nothing was sent; a question that does not get through proves nothing',
    async run(rig) {
      const dead = rig.connectTo(await closedAddress());
      const order = await chargeOrder(rig, good);
      expect(shown(await dead.authorise(order))).toBe('not_sent');
      expect(shown(await dead.payout(order))).toBe('not_sent');
      expect(shown(await dead.status(order))).toBe('unknown');
      expect(shown(await dead.payoutStatus(order))).toBe('unknown');
    },
  },
  {
    name: 'a request turned away by rate limit was not processed',
    async run(rig) {
      const order = await chargeOrder(rig, good);
      await rig.scenario({ mode: 'rate_limited' });
      expect(shown(await rig.connector.authorise(order))).toBe('not_sent');
    },
  },
  {
    name: 'an outage, or an answer that cannot be read, is unknown and nothing else',
    async run(rig) {
      const order = await chargeOrder(rig, good);
      await rig.scenario({ mode: 'outage' });
      expect(shown(await rig.connector.authorise(order))).toBe('unknown');
      expect(shown(await rig.connector.status(order))).toBe('unknown');
      await withBabble(async (url) => {
        expect(shown(await rig.connectTo(url).authorise(order))).toBe('unknown');
        expect(shown(await rig.connectTo(url).status(order))).toBe('unknown');
      });
    },
  },
];

const refunds: readonly Scenario[] = [
  {
    name: 'a refund is accepted once for its reference, and one beyond the charge is refused',
    async run(rig) {
      const order = await chargeOrder(rig, good);
      const charged = await rig.connector.authorise(order);
      if (charged.kind !== 'approved') throw new Error(`the card is ${charged.kind}`);
      const refund = {
        reference: order.reference.replace('deposit:', 'refund:').replace(':a1', ':r1'),
        chargeReference: charged.pspReference,
        pspReference: null,
        money: { amount: '5.00', asset: 'EUR' },
        ageMs: 0,
        evidence: [],
      };
      const isTaken = expect.stringMatching(/^(approved|pending)$/);
      const first = await rig.connector.refund(refund);
      expect(first).toMatchObject({ kind: isTaken });
      expect(await rig.connector.refund(refund)).toMatchObject({ kind: isTaken });
      expect(await booked(rig, 'refund', refund.reference)).toBe(1);
      const beyond = {
        ...refund,
        reference: `${refund.reference}0`,
        money: { amount: '7.35', asset: 'EUR' },
      };
      expect(await rig.connector.refund(beyond)).toMatchObject({ kind: 'declined' });
    },
  },
  {
    name: 'a refund that did not leave is not sent, and one without an answer is unknown',
    async run(rig) {
      const refund = {
        reference: 'refund:x:r1',
        chargeReference: 'none',
        pspReference: null,
        money: { amount: '5.00', asset: 'EUR' },
        ageMs: 0,
        evidence: [],
      };
      expect(await rig.connectTo(await closedAddress()).refund(refund)).toMatchObject({ kind: 'not_sent' });
      // Turned away because the PSP is busy is no word about the refund.
      await rig.scenario({ mode: 'rate_limited' });
      expect(await rig.connector.refund(refund)).toMatchObject({ kind: 'not_sent' });
      await rig.scenario({ mode: 'drop' });
      expect(await rig.connector.refund(refund)).toMatchObject({ kind: 'unknown' });
    },
  },
];

const payouts: readonly Scenario[] = [
  {
    name: 'a payout is pending, never paid by its first answer, and then paid once',
    async run(rig) {
      const order = await payoutOrder(rig, good);
      expect(shown(await rig.connector.payout(order))).toBe('pending');
      const paid = await askUntil(rig, order, rig.connector.payoutStatus, ['approved']);
      expect(paid).toMatchObject({ kind: 'approved', processed: { amount: '12.34', asset: 'EUR' } });
      expect(await booked(rig, 'payout', order.reference)).toBe(1);
    },
  },
  {
    name: 'a payout that the card refuses ends declined, and nothing is paid',
    async run(rig) {
      const order = await payoutOrder(rig, '4000000000770083');
      expect(shown(await rig.connector.payout(order))).toBe('pending');
      const ended = await askUntil(rig, order, rig.connector.payoutStatus, ['declined', 'approved']);
      expect(ended.kind).toBe('declined');
      expect(await booked(rig, 'payout', order.reference)).toBe(0);
    },
  },
  {
    name: 'a payout without an answer is unknown, found by its reference, and paid once',
    async run(rig) {
      const order = await payoutOrder(rig, good);
      await rig.scenario({ payoutMode: 'timeout_charged' });
      expect(shown(await rig.connector.payout(order))).toBe('unknown');
      await rig.scenario({});
      expect(shown(await askUntil(rig, order, rig.connector.payoutStatus, ['approved']))).toBe('approved');
      expect(await booked(rig, 'payout', order.reference)).toBe(1);
    },
  },
];

export const contractReference = 'deposit:0198c0de-0000-4000-8000-0000000000ff:a1';

const webhooks: readonly Scenario[] = [
  {
    name: 'a webhook of the PSP itself is genuine, names our reference, and stores no card',
    async run(rig) {
      const order = await chargeOrder(rig, good);
      expect(shown(await rig.connector.authorise(order))).toBe('approved');
      const { body, headers } = await rig.receiver.waitFor(
        (webhook) => webhook.body.includes(order.reference) && says(rig, webhook.body, webhook.headers),
      );
      const notices = verified(rig, body, new Headers(headers as Record<string, string>));
      expect(notices).toMatchObject([{ reference: order.reference, saysApproved: true }]);
      expect(JSON.stringify(notices)).not.toContain('4242');
    },
  },
  {
    name: 'a webhook with a wrong signature or a changed body is refused',
    run(rig) {
      const body = rig.signing.body(contractReference);
      expect(verified(rig, body, rig.signing.headers(body))).toMatchObject([
        { reference: contractReference, saysApproved: true },
      ]);
      expect(verified(rig, rig.signing.tampered(body), rig.signing.headers(body))).toBe('invalid-signature');
      const forged = rig.signing.forged(body);
      // Where the signature is inside the body, another secret is a changed body.
      if ([...forged].length > 0) expect(verified(rig, body, forged)).toBe('invalid-signature');
      expect(verified(rig, '{"id":"evt_1","notificationItems":[]}', new Headers())).toBe('invalid-signature');
      return Promise.resolve();
    },
  },
  {
    name: 'a webhook sent twice has one name, and is stale by the time that is signed, where one is',
    run(rig) {
      const body = rig.signing.body(contractReference);
      const [first, second] = [0, 240].map((ageS) => verified(rig, body, rig.signing.headers(body, ageS)));
      expect(first).toEqual(second);
      const old = verified(rig, body, rig.signing.headers(body, 301));
      if (rig.habits.signsTime === 'of-sending') expect(old).toBe('stale-signature');
      else expect(old).toEqual(first);
      // A retry tells an event of days ago again; only what no retry can be is refused.
      const told = (ageS: number) => {
        const aged = rig.signing.body(contractReference, ageS);
        return verified(rig, aged, rig.signing.headers(aged));
      };
      const day = 86_400;
      expect([told(3 * day), told(6 * day)].map((one) => typeof one)).toEqual(['object', 'object']);
      for (const ageS of [7 * day + 60, -600])
        if (rig.habits.signsTime === 'of-event') expect(told(ageS)).toBe('stale-signature');
        else expect(typeof told(ageS)).toBe('object');
      return Promise.resolve();
    },
  },
  {
    name: 'a webhook about what is not ours keeps nothing of its reference',
    run(rig) {
      const body = rig.signing.body('somebody@example.test');
      const notices = verified(rig, body, rig.signing.headers(body));
      expect(notices).toMatchObject([{ reference: null }]);
      return Promise.resolve();
    },
  },
];

export const pspContract: readonly Scenario[] = [
  ...charging,
  ...tracing,
  ...authentications,
  ...modifications,
  ...disputeScenarios,
  ...fraudAlertScenarios,
  ...wallets,
  ...unclearAnswers,
  ...refunds,
  ...payouts,
  ...webhooks,
];

function verified(rig: PspRig, body: string, headers: Headers) {
  const result = rig.connector.verifyWebhook(Buffer.from(body), headers);
  return result.ok ? result.value : result.failure.code;
}

/** Of several events about one payment, the one that speaks of moved money. */
function says(rig: PspRig, body: string, headers: object): boolean {
  const notices = verified(rig, body, new Headers(headers as Record<string, string>));
  return typeof notices !== 'string' && notices.some(({ saysApproved }) => saysApproved);
}

/** A server that answers 200 and says nothing that makes sense, as a broken proxy does. */
async function withBabble(work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>maintenance</html>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
