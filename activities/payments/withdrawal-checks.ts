/** What is checked before money leaves, and who allowed it. */
import { sql } from 'kysely';
import type { Trx } from '#db/connect.ts';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { profileVersion } from '#activities/compliance/profiles.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import { levelSatisfies } from '#domain/kyc/levels.ts';
import { parseDecimal, type Units } from '#domain/money.ts';
import { assets } from '#domain/assets.ts';
import { checkWithdrawal, type WithdrawalCheck } from '#domain/payments/withdrawal-decision.ts';
import type { ActivityDeps } from '../deps.ts';
import { hasPendingWagering } from './commands/request-withdrawal.ts';
import { lockWithdrawal, type WithdrawalRow } from './payment-rows.ts';

export type CheckedWithdrawal = {
  readonly check: WithdrawalCheck;
  /** How many people, where anybody is asked at all: of the profile, or as it was decided before. */
  readonly approvalsRequired: number;
  readonly cancellable: boolean;
  /** Hex; every approval must repeat it. */
  readonly payloadHash: string;
  /** Where a workflow that lost its history takes up again: nothing that was decided is decided anew. */
  readonly resumesAt: 'check' | 'approval' | 'payout' | 'end';
  readonly decisions: readonly { readonly operatorId: string; readonly decision: 'approve' | 'refuse' }[];
};

export type ApprovalInput = {
  readonly withdrawalId: string;
  readonly operatorId: string;
  readonly role: string;
  readonly decision: 'approve' | 'refuse';
  readonly reason: string;
  readonly payloadHash: string;
};

export function createWithdrawalCheckActivities(deps: Pick<ActivityDeps, 'db'>) {
  return {
    /** Applies the rules of the profile that the request was made under. */
    async checkWithdrawal(input: { readonly withdrawalId: string }): Promise<CheckedWithdrawal> {
      return deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        if (row.state === 'requested') {
          await trx
            .updateTable('payments.withdrawal')
            .set({ state: 'checking' })
            .where('id', '=', row.id)
            .execute();
        }
        const { profile } = orThrow(await profileVersion(trx, row.jurisdiction, row.jurisdictionVersion));
        const check = checkWithdrawal({
          amount: BigInt(row.amount),
          autoApproveMax: bandOf(profile.autoApproveWithdrawalMax[row.asset], row.asset),
          approvalsRequired: profile.approvalsRequired,
          isIdentityVerified: levelSatisfies(
            await readKycLevel(trx, row.playerId),
            profile.withdrawalKycLevel,
          ),
          hasPendingWagering: await hasPendingWagering(trx, row.playerId, row.asset),
          ...(await netDeposits(trx, row)),
        });
        return {
          check,
          approvalsRequired: row.approvalsRequired ?? profile.approvalsRequired,
          cancellable: row.cancellable,
          payloadHash: row.payloadHash.toString('hex'),
          resumesAt: await resumePoint(trx, row),
          decisions: await decisionsOn(trx, row.id),
        };
      });
    },

    /** Shows the withdrawal to those who may approve it. */
    async askForApproval(input: {
      readonly withdrawalId: string;
      readonly approvals: number;
      readonly reasons: readonly string[];
    }): Promise<void> {
      await deps.db
        .updateTable('payments.withdrawal')
        .set({
          state: 'awaiting-approval',
          approvalsRequired: input.approvals,
          checkReasons: [...input.reasons],
        })
        .where('id', '=', input.withdrawalId)
        .where('state', '=', 'checking')
        .execute();
    },

    /** Writes one person's decision. Failures: `already-decided`, `own-approval`, `withdrawal-not-pending`. */
    async recordApproval(input: ApprovalInput): Promise<void> {
      await deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        if (row.playerId === input.operatorId)
          throw refused('own-approval', 'Nobody decides on a payment to himself.');
        if (row.state !== 'awaiting-approval' || row.payloadHash.toString('hex') !== input.payloadHash) {
          throw refused('withdrawal-not-pending', 'The withdrawal is not waiting for this decision.');
        }
        const inserted = await trx
          .insertInto('payments.withdrawalApproval')
          .values({
            withdrawalId: input.withdrawalId,
            operatorId: input.operatorId,
            decision: input.decision,
            reason: input.reason,
            payloadHash: row.payloadHash,
            role: input.role,
          })
          .onConflict((conflict) => conflict.columns(['withdrawalId', 'operatorId']).doNothing())
          .returning('operatorId')
          .executeTakeFirst();
        if (inserted === undefined) await refuseOtherDecision(trx, input);
        if (inserted === undefined || input.decision === 'refuse') return;
        const { approvals } = await trx
          .selectFrom('payments.withdrawalApproval')
          .select(sql<number>`count(*)::int`.as('approvals'))
          .where('withdrawalId', '=', input.withdrawalId)
          .where('decision', '=', 'approve')
          .executeTakeFirstOrThrow();
        await appendEvent(
          trx,
          {
            type: 'payments.withdrawal.approved',
            version: 1,
            brand: row.brand,
            playerId: row.playerId,
            payload: { withdrawalId: row.id, operatorId: input.operatorId, approvals },
          },
          {
            actor: { kind: 'operator', id: input.operatorId },
            subject: `withdrawal:${row.id}`,
            reason: input.reason,
          },
        );
      });
    },

    /** Opens the way to the PSP; the database counts the approvals once more. `refused` when somebody said no. */
    async approveWithdrawal(input: {
      readonly withdrawalId: string;
      readonly approvals: number;
    }): Promise<{ readonly outcome: 'approved' | 'refused' }> {
      return deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        if (row.state === 'approved' || row.state === 'submitted' || row.state === 'paid')
          return { outcome: 'approved' };
        const no = await trx
          .selectFrom('payments.withdrawalApproval')
          .select('operatorId')
          .where('withdrawalId', '=', row.id)
          .where('decision', '=', 'refuse')
          .executeTakeFirst();
        if (no !== undefined) return { outcome: 'refused' };
        await trx
          .updateTable('payments.withdrawal')
          .set({ state: 'approved', approvalsRequired: input.approvals })
          .where('id', '=', row.id)
          .execute();
        return { outcome: 'approved' };
      });
    },
  };
}

const refused = (code: Parameters<typeof fail>[0], detail: string): FailureError =>
  new FailureError(fail(code, detail).failure);

/** A repeat of the same decision is the retry of an answer that got lost. */
async function refuseOtherDecision(trx: Trx, input: ApprovalInput): Promise<void> {
  const known = await trx
    .selectFrom('payments.withdrawalApproval')
    .select('decision')
    .where('withdrawalId', '=', input.withdrawalId)
    .where('operatorId', '=', input.operatorId)
    .executeTakeFirst();
  if (known?.decision !== input.decision)
    throw refused('already-decided', 'This operator has decided otherwise before.');
}

function bandOf(decimal: string | undefined, asset: string): Units {
  const scale = assets.get(asset)?.ledgerScale;
  return decimal === undefined || scale === undefined ? 0n : orThrow(parseDecimal(decimal, scale));
}

async function netDeposits(
  trx: Trx,
  row: WithdrawalRow,
): Promise<{ hasDeposited: boolean; netDeposited: Units; netDepositedOverall: Units }> {
  const deposits = await trx
    .selectFrom('payments.deposit')
    .select([
      sql<string>`coalesce(sum(amount), 0)`.as('overall'),
      // Where a chain's deposit came from is no place to pay to (an exchange's common wallet): all own addresses are one.
      sql<string>`coalesce(sum(amount) filter (where instrument_id = ${row.instrumentId}
        or captured_psp = 'evm' and ${isOnChain(row)}), 0)`.as('here'),
    ])
    .where('playerId', '=', row.playerId)
    .where('asset', '=', row.asset)
    .where('state', '=', 'captured')
    .executeTakeFirstOrThrow();
  const payouts = await trx
    .selectFrom('payments.withdrawal')
    .select([
      sql<string>`coalesce(sum(amount), 0)`.as('overall'),
      sql<string>`coalesce(sum(amount) filter (where instrument_id = ${row.instrumentId}
        or ${isOnChain(row)} and instrument_id in (select id from payments.instrument where psp = 'evm')), 0)`.as(
        'here',
      ),
    ])
    .where('playerId', '=', row.playerId)
    .where('asset', '=', row.asset)
    .where('id', '<>', row.id)
    .where('state', 'not in', ['refused', 'cancelled'])
    .executeTakeFirstOrThrow();
  // What went back by a refund or a chargeback is no deposit any more.
  const { rows } = await sql<{ overall: string; here: string }>`
    select coalesce(sum(j.amount), 0) as overall,
      coalesce(sum(j.amount) filter (where d.instrument_id = ${row.instrumentId}
        or d.captured_psp = 'evm' and ${isOnChain(row)}), 0) as here
    from wallet.journal j join wallet.journal c on c.id = j.answers
    join payments.deposit d on c.external_id = 'deposit:' || d.id || ':capture' and c.integration = 'pitboss'
    where d.player_id = ${row.playerId} and d.asset = ${row.asset}
      and j.code in ('deposit.refund', 'chargeback.open')
      and not exists (select 1 from wallet.journal w where w.reverses = j.id)`.execute(trx);
  const back = rows[0] ?? { overall: '0', here: '0' };
  return {
    hasDeposited: BigInt(deposits.here) > 0n,
    netDeposited: BigInt(deposits.here) - BigInt(back.here) - BigInt(payouts.here),
    netDepositedOverall: BigInt(deposits.overall) - BigInt(back.overall) - BigInt(payouts.overall),
  };
}

const isOnChain = (row: WithdrawalRow) =>
  sql<boolean>`exists (select 1 from payments.instrument i where i.id = ${row.instrumentId} and i.psp = 'evm')`;

async function resumePoint(trx: Trx, row: WithdrawalRow): Promise<CheckedWithdrawal['resumesAt']> {
  if (row.closedAt !== null) return 'end';
  if (row.state === 'awaiting-approval') return 'approval';
  if (row.state === 'approved' || row.state === 'submitted') return 'payout';
  return row.state === 'parked' && (await hasPayouts(trx, row.id)) ? 'payout' : 'check';
}

async function hasPayouts(trx: Trx, withdrawalId: string): Promise<boolean> {
  const first = await trx
    .selectFrom('payments.payoutAttempt')
    .select('number')
    .where('withdrawalId', '=', withdrawalId)
    .limit(1)
    .executeTakeFirst();
  return first !== undefined;
}

async function decisionsOn(trx: Trx, withdrawalId: string): Promise<CheckedWithdrawal['decisions']> {
  const rows = await trx
    .selectFrom('payments.withdrawalApproval')
    .select(['operatorId', 'decision'])
    .where('withdrawalId', '=', withdrawalId)
    .orderBy('decidedAt')
    .execute();
  return rows.map(({ operatorId, decision }) => ({
    operatorId,
    decision: decision === 'approve' ? 'approve' : 'refuse',
  }));
}
