/** How a withdrawal ends: paid, or the money back to the player, or a person asked. Each is one transaction. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { ActivityDeps } from '../deps.ts';
import { lockWithdrawal, moneyOf, type WithdrawalRow } from './payment-rows.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';

export type SettleOutcome = { readonly kind: 'paid' | 'mismatch' };

export function createWithdrawalActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    /** Books a paid payout, once for ever. `mismatch` when the PSP paid another amount: then nothing is booked. */
    async settleWithdrawal(input: {
      readonly withdrawalId: string;
      readonly number: number;
    }): Promise<SettleOutcome> {
      return deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        if (row.state === 'paid') return { kind: 'paid' };
        const attempt = await trx
          .selectFrom('payments.payoutAttempt')
          .selectAll()
          .where('withdrawalId', '=', row.id)
          .where('number', '=', input.number)
          .executeTakeFirstOrThrow();
        if (attempt.state !== 'paid')
          throw new Error(`Invariant broken: payout ${attempt.reference} is ${attempt.state}, not paid`);
        if (attempt.processedAsset !== row.asset || attempt.processedAmount !== row.amount) {
          await openWorkItem(trx, {
            kind: 'amount-mismatch',
            subject: `withdrawal:${row.id}`,
            brand: row.brand,
            reason: `${attempt.psp} paid another amount than the withdrawal's`,
          });
          return { kind: 'mismatch' };
        }
        orThrow(
          await postTransfer(trx, {
            key: `withdrawal:${row.id}:settle`,
            playerId: row.playerId,
            asset: row.asset,
            amount: BigInt(row.amount),
            subject: `withdrawal:${row.id}`,
            transfer: { code: 'withdrawal.settle', psp: attempt.psp },
          }),
        );
        await trx
          .updateTable('payments.withdrawal')
          .set({ state: 'paid', paidPsp: attempt.psp, closedAt: sql<Date>`now()`, reason: null })
          .where('id', '=', row.id)
          .execute();
        await closeWorkItems(trx, `withdrawal:${row.id}`, ['parked-withdrawal'], `paid by ${attempt.psp}`);
        await appendEvent(
          trx,
          {
            type: 'payments.withdrawal.paid',
            version: 1,
            brand: row.brand,
            playerId: row.playerId,
            payload: { withdrawalId: row.id, money: moneyOf(row), psp: attempt.psp },
          },
          byWorkflow(row),
        );
        return { kind: 'paid' };
      });
    },

    /**
     * Gives the held money back; an end that came before stays. Refused with `withdrawal-not-pending` while a payout
     * may be on its way: then the money is not ours to give.
     */
    async releaseWithdrawal(input: {
      readonly withdrawalId: string;
      readonly state: 'refused' | 'cancelled';
      readonly reason: string;
    }): Promise<void> {
      await deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        if (row.closedAt !== null) return;
        await refuseWhilePaying(trx, row.id);
        orThrow(
          await postTransfer(trx, {
            key: `withdrawal:${row.id}:release`,
            playerId: row.playerId,
            asset: row.asset,
            amount: BigInt(row.amount),
            subject: `withdrawal:${row.id}`,
            transfer: { code: 'withdrawal.release' },
          }),
        );
        await trx
          .updateTable('payments.withdrawal')
          .set({ state: input.state, reason: input.reason, closedAt: sql<Date>`now()` })
          .where('id', '=', row.id)
          .execute();
        await closeWorkItems(trx, `withdrawal:${row.id}`, ['parked-withdrawal'], `released: ${input.reason}`);
        const payload = { withdrawalId: row.id, money: moneyOf(row), reason: input.reason };
        const who = { version: 1, brand: row.brand, playerId: row.playerId } as const;
        if (input.state === 'refused') {
          await appendEvent(trx, { type: 'payments.withdrawal.refused', ...who, payload }, byWorkflow(row));
        }
        await appendEvent(trx, { type: 'payments.withdrawal.released', ...who, payload }, byWorkflow(row));
      });
    },

    /** Shows a withdrawal to people; the hold stays until its outcome is known. */
    async parkWithdrawal(input: { readonly withdrawalId: string; readonly reason: string }): Promise<void> {
      await deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        if (row.closedAt !== null || row.state === 'parked') return;
        await trx
          .updateTable('payments.withdrawal')
          .set({ state: 'parked', reason: input.reason })
          .where('id', '=', row.id)
          .execute();
        await openWorkItem(trx, {
          kind: 'parked-withdrawal',
          subject: `withdrawal:${row.id}`,
          brand: row.brand,
          reason: input.reason,
        });
      });
    },
  };
}

async function refuseWhilePaying(trx: Trx, withdrawalId: string): Promise<void> {
  const live = await trx
    .selectFrom('payments.payoutAttempt')
    .select('reference')
    .where('withdrawalId', '=', withdrawalId)
    .where('state', 'not in', ['declined', 'not_sent'])
    .executeTakeFirst();
  if (live === undefined) return;
  throw new FailureError(
    fail('withdrawal-not-pending', `The payout ${live.reference} may be on its way.`).failure,
  );
}

const byWorkflow = (row: Pick<WithdrawalRow, 'id'>) =>
  ({ actor: { kind: 'workflow', id: `withdrawal:${row.id}` }, subject: `withdrawal:${row.id}` }) as const;
