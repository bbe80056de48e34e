/** A leg that was paid and came back: its money is the player's again, once, and a person is told. */
import { appendEvent, type Deed } from '#activities/compliance/append-event.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { toMoneyText } from '#domain/money.ts';
import { openWorkItem } from './commands/work-items.ts';
import type { WithdrawalRow } from './payment-rows.ts';
import { payoutOf, type LegRow } from './withdrawal-legs.ts';

/** The withdrawal's row is locked by the caller, and the leg is paid. The fee stays: the way was paid for. */
export async function takeLegBack(
  trx: Trx,
  row: WithdrawalRow,
  leg: LegRow,
  by: {
    readonly psp: string;
    readonly sender: string;
    readonly reason: string;
    readonly actor: Deed['actor'];
  },
): Promise<void> {
  const subject = `withdrawal:${row.id}`;
  orThrow(
    await postTransfer(trx, {
      key: leg.leg === 1 ? `${subject}:return` : `${subject}:return:${leg.leg}`,
      playerId: row.playerId,
      asset: row.asset,
      amount: payoutOf(leg),
      subject,
      transfer: { code: 'withdrawal.return', psp: by.psp },
    }),
  );
  await trx
    .updateTable('payments.withdrawalLeg')
    .set({ state: 'returned', reason: by.reason })
    .where('withdrawalId', '=', row.id)
    .where('leg', '=', leg.leg)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'payments.withdrawal.returned',
      version: 1,
      brand: row.brand,
      playerId: row.playerId,
      payload: {
        withdrawalId: row.id,
        money: toMoneyText(payoutOf(leg), row.asset),
        reason: by.reason,
      },
    },
    { actor: by.actor, subject },
  );
  await openWorkItem(trx, {
    kind: 'returned-payout',
    subject,
    brand: row.brand,
    reason: `${by.sender} returned the payout (${by.reason}); the money is the player's again`,
  });
}
