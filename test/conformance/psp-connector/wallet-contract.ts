/** What a connector must do with wallets: no card, away and back, and an end that may take its time. */
import { expect } from 'vitest';
import { askUntil, booked, chargeOrder, passChallenge, shown, type Scenario } from './psp-orders.ts';
import type { PspRig } from './psp-rig.ts';

const walletOrder = (rig: PspRig) => chargeOrder(rig, '', { method: 'e-wallet', token: 'paypal' });

export const wallets: readonly Scenario[] = [
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
