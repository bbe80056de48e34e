/** Acts of the payments' world that lead to a payout: cash from a captured deposit, and a withdrawal approved and sent. */
import { randomUUID } from 'node:crypto';
import { requestWithdrawal } from '#activities/payments/commands/request-withdrawal.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Database } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { brand, euro, fingerprintOf, type paymentActivities } from './payment-world.ts';

/** 200 whole units that came by a PSP, so that they may go back there. */
export async function fundPlayer(
  db: Database,
  playerId: string,
  { psp, asset = 'EUR' }: { readonly psp: string; readonly asset?: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    orThrow(
      await postTransfer(trx, {
        key: `seed:${playerId}`,
        playerId,
        asset,
        amount: 200n * euro,
        subject: `seed:${playerId}`,
        transfer: { code: 'deposit.capture', psp },
      }),
    );
  });
}

type Payments = Pick<ReturnType<typeof paymentActivities>, 'money' | 'provider'>;

/** Asked for, checked, approved without anybody, and written at its PSP; not sent yet. */
export async function startWithdrawal(
  db: Database,
  { money, provider }: Payments,
  of: {
    readonly playerId: string;
    readonly instrumentId: string;
    readonly amount: string;
    readonly asset?: string;
  },
): Promise<{ readonly withdrawalId: string; readonly number: number }> {
  const withdrawalId = randomUUID();
  orThrow(
    await requestWithdrawal(db, {
      withdrawalId,
      playerId: of.playerId,
      brand,
      money: { amount: of.amount, asset: of.asset ?? 'EUR' },
      instrumentId: of.instrumentId,
      fingerprint: fingerprintOf(withdrawalId),
    }),
  );
  await money.checkWithdrawal({ withdrawalId });
  await money.approveWithdrawal({ withdrawalId, approvals: 0 });
  const { number } = await provider.startPayout({ withdrawalId, number: 1 });
  return { withdrawalId, number };
}
