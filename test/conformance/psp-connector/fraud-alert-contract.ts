/** What a connector must tell of an issuer's report of fraud: both names by its notice, and what the PSP says when asked. */
import { expect } from 'vitest';
import type { FraudAlertOutcome } from '#domain/payments/fraud-alert.ts';
import { chargeOrder, disputeNoticesOf, fraudNoticesOf, shown, type Scenario } from './psp-orders.ts';
import { closedAddress, type PspRig } from './psp-rig.ts';

/** A charge of 12.34 EUR that its issuer reports; the PSP's names of both. */
async function reported(rig: PspRig): Promise<{ id: string; charge: string }> {
  const order = await chargeOrder(rig, '4242424242424242');
  const outcome = await rig.connector.authorise(order);
  expect(shown(outcome)).toBe('approved');
  const { id } = await rig.order<{ id: string }>('/_scenario/fraud-alerts', { payment: order.reference });
  return { id, charge: 'pspReference' in outcome ? (outcome.pspReference ?? '') : '' };
}

async function asked(rig: PspRig, id: string, connector = rig.connector): Promise<FraudAlertOutcome> {
  const alerts = connector.fraudAlerts;
  if (alerts === undefined) throw new Error('expected a connector that speaks of fraud reports');
  return alerts.fraudAlert({ pspReference: id, evidence: fraudNoticesOf(rig, id).map(({ body }) => body) });
}

export const fraudAlertScenarios: readonly Scenario[] = [
  {
    name: 'a report of fraud is told by its notice with both names, says nothing of money that moved, and is not a dispute',
    async run(rig) {
      if (rig.habits.fraudAlerts === 'none') {
        expect(rig.connector.fraudAlerts).toBeUndefined();
        return;
      }
      const { id, charge } = await reported(rig);
      await expect.poll(() => fraudNoticesOf(rig, id).length, { timeout: 8_000 }).toBeGreaterThan(0);
      expect(fraudNoticesOf(rig, id)[0]).toMatchObject({
        fraudAlert: { pspReference: id, chargeReference: charge },
        saysApproved: false,
        saysFailed: false,
      });
      expect(disputeNoticesOf(rig, id)).toEqual([]);
      const told = await asked(rig, id);
      if (told.kind !== 'told') throw new Error(`expected to be told, not ${told.reason}`);
      expect(told.fraudType).not.toBeNull();
      // Adyen names the amount and nothing that may be done; Stripe the reverse.
      expect([told.isActionable, told.money?.amount ?? null]).toEqual(
        rig.habits.fraudAlerts === 'asked' ? [true, null] : [null, '12.34'],
      );
    },
  },
  {
    name: 'a report that cannot be asked about, or whose notice was changed, proves nothing',
    async run(rig) {
      if (rig.habits.fraudAlerts === 'none') return;
      const { id } = await reported(rig);
      await expect.poll(() => fraudNoticesOf(rig, id).length, { timeout: 8_000 }).toBeGreaterThan(0);
      if (rig.habits.fraudAlerts === 'asked') {
        expect((await asked(rig, id, rig.connectTo(await closedAddress()))).kind).toBe('unknown');
        expect((await asked(rig, 'issfr_unknown')).kind).toBe('unknown');
        return;
      }
      const [body = ''] = fraudNoticesOf(rig, id).map((notice) => notice.body);
      const forged = body.replace('"value":1234', '"value":1');
      expect(forged).not.toBe(body);
      const told = await rig.connector.fraudAlerts?.fraudAlert({ pspReference: id, evidence: [forged] });
      expect(told?.kind).toBe('unknown');
    },
  },
  {
    name: 'a reported charge that is disputed or refunded is of no more use, and the PSP says so where it can be asked',
    async run(rig) {
      if (rig.habits.fraudAlerts !== 'asked') return;
      const { id, charge } = await reported(rig);
      await rig.order('/_scenario/disputes', { payment: charge });
      await expect.poll(() => fraudNoticesOf(rig, id).length, { timeout: 8_000 }).toBe(2);
      expect(await asked(rig, id)).toMatchObject({ kind: 'told', isActionable: false });
    },
  },
];
