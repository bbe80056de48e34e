/** What a connector must tell of 3-D Secure, ask by, and give away or take over; and what it must keep to itself. */
import { expect } from 'vitest';
import { defaultWish, exemptions, type ThreeDsResult } from '#domain/payments/three-ds.ts';
import type { PspOutcome } from '#domain/payments/outcome.ts';
import {
  askUntil,
  booked,
  chargeOrder,
  mandated,
  passChallenge,
  shown,
  type Scenario,
} from './psp-orders.ts';

export const issuers = {
  frictionless: '4000000000990012',
  attempted: '4000000000990020',
  unavailable: '4000000000990038',
  rejected: '4000000000990046',
  informational: '4000000000990053',
  decoupled: '4000000000990061',
  refusesAfterChallenge: '4000000000990079',
  mastercard: '5555555555990010',
} as const;

const told = (outcome: PspOutcome): ThreeDsResult | null =>
  'threeDs' in outcome ? (outcome.threeDs ?? null) : null;

const results = [
  ['frictionless', 'Y', '05', 'visa'],
  ['attempted', 'A', '06', 'visa'],
  ['unavailable', 'U', '07', 'visa'],
  ['informational', 'I', '07', 'visa'],
  ['mastercard', 'Y', '02', 'mastercard'],
] as const;

export const authentications: readonly Scenario[] = [
  ...results.map(([issuer, transStatus, eci, network]): Scenario => ({
    name: `an authentication that ended ${transStatus} (${issuer}) is told with its indicator, network and issuer`,
    async run(rig) {
      const order = await chargeOrder(rig, issuers[issuer]);
      const outcome = await rig.connector.authorise(order);
      expect(shown(outcome)).toBe('approved');
      expect(told(outcome)).toMatchObject({
        transStatus,
        eci,
        network,
        issuerCountry: 'MT',
        version: '2.2.0',
        exemptionGranted: null,
      });
      expect(told(outcome)?.dsTransactionId).toMatch(/^[0-9a-f-]{36}$/);
      expect(told(await rig.connector.status(order))).toEqual(told(outcome));
    },
  })),
  {
    name: 'a rejected authentication is a refusal that no other PSP may be asked about, and takes no money',
    async run(rig) {
      const order = await chargeOrder(rig, issuers.rejected);
      const outcome = await rig.connector.authorise(order);
      expect(shown(outcome)).toBe('declined:not_authenticated');
      expect(await booked(rig, 'charge', order.reference)).toBe(0);
    },
  },
  {
    name: 'a passed challenge is told as Y, and one that was refused never as Y or A',
    async run(rig) {
      const passed = await passChallenge(rig, await chargeOrder(rig, '4000000000003220'), 'pass');
      expect(told(await rig.connector.continueAfterAction(passed))).toMatchObject({ transStatus: 'Y' });
      const failed = await passChallenge(rig, await chargeOrder(rig, '4000000000003220'), 'fail');
      const status = told(await rig.connector.continueAfterAction(failed))?.transStatus ?? null;
      expect([null, 'N', 'R']).toContain(status);
    },
  },
  {
    name: 'a decoupled authentication is pending until the issuer has heard its customer',
    async run(rig) {
      await rig.scenario({ lateMs: 400 });
      const order = await chargeOrder(rig, issuers.decoupled);
      expect(shown(await rig.connector.authorise(order))).toBe('pending');
      expect(shown(await askUntil(rig, order, rig.connector.status, ['approved']))).toBe('approved');
    },
  },
  {
    name: 'an exemption that the connector declares is asked for, and told when it was granted',
    async run(rig) {
      const declared = rig.connector.capabilities.threeDs?.exemptions ?? [];
      expect(declared.length).toBeGreaterThan(0);
      for (const exemption of exemptions.filter((known) => declared.includes(known))) {
        const order = await chargeOrder(rig, '4242424242424242', {
          threeDs: { ...defaultWish, want: 'exemption', exemption },
        });
        const outcome = await rig.connector.authorise(order);
        expect(shown(outcome)).toBe('approved');
        const granted = told(outcome)?.exemptionGranted ?? null;
        // Stripe tells of no exemption that it was not asked for by an import.
        if (rig.habits.tellsExemptions) expect(granted).toBe(exemption);
        else expect(granted).toBeNull();
        expect(told(outcome)?.transStatus ?? null).toBeNull();
      }
    },
  },
  {
    name: 'an exemption that is too large for its amount is not told as granted',
    async run(rig) {
      const order = await chargeOrder(rig, '4242424242424242', {
        money: { amount: '250.00', asset: 'EUR' },
        threeDs: { ...defaultWish, want: 'exemption', exemption: 'low-value' },
      });
      expect(told(await rig.connector.authorise(order))?.exemptionGranted ?? null).toBeNull();
    },
  },
  {
    name: 'no outcome carries a cryptogram, and what is carried on is given only where it is asked for',
    async run(rig) {
      const order = { ...(await chargeOrder(rig, issuers.frictionless)), threeDs: mandated };
      const outcome = await rig.connector.authorise(order);
      const known = 'pspReference' in outcome ? outcome.pspReference : null;
      const portable = (await rig.connector.portableThreeDs?.({ ...order, pspReference: known })) ?? null;
      if (rig.habits.givesCryptogram) expect(portable?.cavv).toMatch(/^[\w+/]{27}=$/);
      else expect(portable).toBeNull();
      expect(JSON.stringify([outcome, await rig.connector.status(order)])).not.toContain(
        portable?.cavv ?? 'cavv',
      );
      expect(await booked(rig, 'charge', order.reference)).toBe(1);
    },
  },
  {
    name: 'an authentication of another PSP is taken over: no second challenge for the same card',
    async run(rig) {
      expect(rig.connector.capabilities.threeDs?.takesPortable).toBe(true);
      const dsTransactionId = 'c0ffee00-0000-4000-8000-000000000001';
      const order = await chargeOrder(rig, '4000000000003220', {
        portable: {
          cavv: Buffer.alloc(20, 7).toString('base64'),
          eci: '05',
          dsTransactionId,
          version: '2.2.0',
          transStatus: 'Y',
        },
      });
      const outcome = await rig.connector.authorise(order);
      expect(shown(outcome)).toBe('approved');
      expect(told(outcome)).toMatchObject({ transStatus: 'Y', eci: '05', dsTransactionId });
    },
  },
];
