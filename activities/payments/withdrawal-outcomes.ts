/** How a withdrawal ends: leg by leg paid, or the money back to the player, or a person asked. Each is one transaction. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { postTransfer } from '#activities/wallet/post.ts';
import type { Trx } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { legOfNumber } from '#domain/payments/reference.ts';
import type { ActivityDeps } from '../deps.ts';
import { lockWithdrawal, moneyOf, type WithdrawalRow } from './payment-rows.ts';
import { closeWorkItems, openWorkItem } from './commands/work-items.ts';
import {
  appendEnd,
  byWorkflow,
  closeLeg,
  endWhenDone,
  mustLeg,
  payoutOf,
  refuseWhileListed,
  refuseWhilePaying,
  releaseLeg,
  settleLeg,
  type LegRow,
  type WithdrawalEnd,
} from './withdrawal-legs.ts';

/** `settled`: this leg is paid and others are still open. */
export type SettleOutcome = { readonly kind: 'paid' | 'partly-paid' | 'settled' | 'mismatch' };

/** `end` is null while other legs are open. */
export type LegFailure =
  | { readonly kind: 'rerouted'; readonly leg: number }
  | { readonly kind: 'released'; readonly end: WithdrawalEnd | null };

export function createWithdrawalActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    /** Books a paid payout, once for ever. `mismatch` when the PSP paid another amount: then nothing is booked. */
    async settleWithdrawal(input: {
      readonly withdrawalId: string;
      readonly number: number;
    }): Promise<SettleOutcome> {
      return deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        const leg = await mustLeg(trx, row.id, legOfNumber(input.number));
        if (leg.state === 'paid' || leg.state === 'returned') return { kind: kindOf(row.state) };
        const attempt = await trx
          .selectFrom('payments.payoutAttempt')
          .selectAll()
          .where('withdrawalId', '=', row.id)
          .where('number', '=', input.number)
          .executeTakeFirstOrThrow();
        if (attempt.state !== 'paid')
          throw new Error(`Invariant broken: payout ${attempt.reference} is ${attempt.state}, not paid`);
        if (attempt.processedAsset !== row.asset || attempt.processedAmount !== payoutOf(leg).toString()) {
          await openWorkItem(trx, {
            kind: 'amount-mismatch',
            subject: `withdrawal:${row.id}`,
            brand: row.brand,
            reason: `${attempt.psp} paid another amount than that of leg ${leg.leg}`,
          });
          return { kind: 'mismatch' };
        }
        await settleLeg(trx, row, leg, attempt.psp);
        return { kind: kindOf(await endWhenDone(trx, row, null)) };
      });
    },

    /**
     * What becomes of a leg that cannot be paid: it goes to the account that the player named, if it was not that one,
     * else its money goes back to the player. Refused with `withdrawal-not-pending` while a payout may be on its way.
     */
    async failLeg(input: {
      readonly withdrawalId: string;
      readonly leg: number;
      readonly reason: string;
    }): Promise<LegFailure> {
      return deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        const leg = await mustLeg(trx, row.id, input.leg);
        if (leg.state === 'rerouted') return { kind: 'rerouted', leg: await placeTakenBy(trx, leg) };
        if (leg.state !== 'planned') return { kind: 'released', end: endOf(row.state) };
        await refuseWhilePaying(trx, row.id, leg.leg);
        if (leg.instrumentId !== row.instrumentId && (await isAccount(trx, row.instrumentId))) {
          await closeLeg(trx, leg, { state: 'rerouted', reason: input.reason });
          const replacedBy = await insertReplacement(trx, row, leg);
          await appendEvent(
            trx,
            {
              type: 'payments.payout.rerouted',
              version: 1,
              brand: row.brand,
              playerId: row.playerId,
              payload: { withdrawalId: row.id, leg: leg.leg, replacedBy, reason: input.reason },
            },
            byWorkflow(row),
          );
          return { kind: 'rerouted', leg: replacedBy };
        }
        await releaseLeg(trx, row, leg, input.reason);
        return { kind: 'released', end: await endWhenDone(trx, row, input.reason) };
      });
    },

    /**
     * Gives all of the held money back; an end that came before stays. Refused with `withdrawal-not-pending` while a
     * payout may be on its way: then the money is not ours to give.
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
        await refuseWhileListed(trx, row.id);
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
          .updateTable('payments.withdrawalLeg')
          .set({ state: 'released', reason: input.reason, closedAt: sql<Date>`now()` })
          .where('withdrawalId', '=', row.id)
          .where('state', '=', 'planned')
          .execute();
        await trx
          .updateTable('payments.withdrawal')
          .set({ state: input.state, reason: input.reason, closedAt: sql<Date>`now()` })
          .where('id', '=', row.id)
          .execute();
        await closeWorkItems(trx, `withdrawal:${row.id}`, ['parked-withdrawal'], `released: ${input.reason}`);
        await appendEnd(trx, row, moneyOf(row), input.reason, input.state === 'refused');
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

const endOf = (state: string | null): WithdrawalEnd | null =>
  state === 'paid' || state === 'partly-paid' || state === 'refused' ? state : null;

/** A withdrawal of which a leg is paid ends paid, wholly or in part, or goes on. */
function kindOf(state: string | null): SettleOutcome['kind'] {
  const end = endOf(state);
  return end === 'paid' || end === 'partly-paid' ? end : 'settled';
}

/** Where money goes that its own instrument did not take: only to an account in the player's verified name. */
async function isAccount(trx: Trx, instrumentId: string): Promise<boolean> {
  const { kind } = await trx
    .selectFrom('payments.instrument')
    .select('kind')
    .where('id', '=', instrumentId)
    .executeTakeFirstOrThrow();
  return kind === 'bank-account';
}

async function insertReplacement(trx: Trx, row: WithdrawalRow, failed: LegRow): Promise<number> {
  const { leg } = await trx
    .insertInto('payments.withdrawalLeg')
    .values((eb) => ({
      withdrawalId: row.id,
      leg: eb
        .selectFrom('payments.withdrawalLeg')
        .where('withdrawalId', '=', row.id)
        .select(sql<number>`max(leg) + 1`.as('leg')),
      instrumentId: row.instrumentId,
      amount: failed.amount,
      fee: failed.fee,
      replaces: failed.leg,
    }))
    .returning('leg')
    .executeTakeFirstOrThrow();
  return leg;
}

const placeTakenBy = async (trx: Trx, failed: LegRow): Promise<number> =>
  (
    await trx
      .selectFrom('payments.withdrawalLeg')
      .select('leg')
      .where('withdrawalId', '=', failed.withdrawalId)
      .where('replaces', '=', failed.leg)
      .executeTakeFirstOrThrow()
  ).leg;
