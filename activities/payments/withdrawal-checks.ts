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
import { judgeLists, withLists } from '#domain/payments/lists.ts';
import { skipsSources } from '#domain/payments/payout-plan.ts';
import { checkWithdrawal, type WithdrawalCheck } from '#domain/payments/withdrawal-decision.ts';
import type { ActivityDeps } from '../deps.ts';
import { standingOf } from './approver-standing.ts';
import { hasPendingWagering } from './commands/request-withdrawal.ts';
import { mayBePaid } from './held-money.ts';
import { lockWithdrawal, type WithdrawalRow } from './payment-rows.ts';
import { listedNow } from './withdrawal-limits.ts';
import { readSources } from './payout-sources.ts';
import { hasPayouts, readLegs, type LegView } from './withdrawal-legs.ts';
import { confirmedScreening } from '#activities/kyc/commands/screenings.ts';

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
  readonly legs: readonly LegView[];
};

export type ApprovalInput = {
  readonly withdrawalId: string;
  readonly operatorId: string;
  readonly role: string;
  readonly decision: 'approve' | 'refuse';
  readonly reason: string;
  readonly payloadHash: string;
};

export function createWithdrawalCheckActivities(deps: Pick<ActivityDeps, 'db' | 'keyRing'>) {
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
          ...(await closedLoop(trx, row)),
        });
        return {
          check: (await mayBePaid(trx, row.id))
            ? check
            : withLists(check, profile.approvalsRequired, await listedNow(trx, row)),
          approvalsRequired: row.approvalsRequired ?? profile.approvalsRequired,
          // A confirmed match takes that from the player: the money would be back at hand.
          cancellable: row.cancellable && (await confirmedScreening(trx, `withdrawal:${row.id}`)) === null,
          payloadHash: row.payloadHash.toString('hex'),
          resumesAt: await resumePoint(trx, row),
          decisions: await decisionsOn(trx, row.id),
          legs: await readLegs(trx, row.id),
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

    /**
     * Writes one person's decision. Failures: `already-decided`, `own-approval`, `withdrawal-not-pending`, `forbidden`
     * for an amount above the band of the role.
     */
    async recordApproval(input: ApprovalInput): Promise<void> {
      await deps.db.transaction().execute(async (trx) => {
        const row = await lockWithdrawal(trx, input.withdrawalId);
        const standing = await standingOf(trx, deps.keyRing, row, input.operatorId);
        if (standing === 'own') throw refused('own-approval', 'Nobody decides on a payment to himself.');
        if (standing === 'hand' && input.decision === 'approve')
          throw refused('own-approval', 'Who opened the way of this money does not allow it, too.');
        if (row.state !== 'awaiting-approval' || row.payloadHash.toString('hex') !== input.payloadHash) {
          throw refused('withdrawal-not-pending', 'The withdrawal is not waiting for this decision.');
        }
        if (input.decision === 'approve' && !(await isInBand(trx, row, input.role)))
          throw refused('forbidden', `The amount is above what ${input.role} may approve.`);
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

    /**
     * Opens the way to the PSP; the database counts the approvals once more. `refused` when somebody said no, or when
     * what was true at the request is true no more: days may lie between.
     */
    async approveWithdrawal(input: {
      readonly withdrawalId: string;
      readonly approvals: number;
    }): Promise<{ readonly outcome: 'approved' | 'refused'; readonly reason?: string }> {
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
        const objection = await objectionTo(trx, row);
        if (objection !== null) return { outcome: 'refused', reason: objection };
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

async function closedLoop(
  trx: Trx,
  row: WithdrawalRow,
): Promise<{ hasDeposited: boolean; skipsSources: boolean }> {
  const [sources, legs] = await Promise.all([
    readSources(trx, {
      playerId: row.playerId,
      asset: row.asset,
      named: row.instrumentId,
      except: row.id,
    }),
    trx
      .selectFrom('payments.withdrawalLeg as l')
      .innerJoin('payments.instrument as i', 'i.id', 'l.instrumentId')
      .select(['l.instrumentId', 'l.amount', 'l.fee', 'i.kind'])
      .where('l.withdrawalId', '=', row.id)
      .where('l.state', '<>', 'rerouted')
      .execute(),
  ]);
  return {
    hasDeposited: legs.every(
      ({ instrumentId, kind }) =>
        kind === 'bank-account' ||
        sources.some((source) => source.instrumentId === instrumentId && source.hasDeposited),
    ),
    skipsSources: skipsSources(
      legs.map((leg) => ({ ...leg, amount: BigInt(leg.amount), fee: BigInt(leg.fee) })),
      sources,
    ),
  };
}

/** What speaks against a payout that nothing spoke against at the request; null where nothing does. */
async function objectionTo(trx: Trx, row: WithdrawalRow): Promise<string | null> {
  const { status } = await trx
    .selectFrom('pam.player')
    .select('status')
    .where('id', '=', row.playerId)
    .executeTakeFirstOrThrow();
  // Two people have decided that this is paid, knowing who it is: the lock and the list are about that.
  const isDecided = await mayBePaid(trx, row.id);
  if (status === 'locked' && !isDecided) return 'player-blocked';
  const { profile } = orThrow(await profileVersion(trx, row.jurisdiction, row.jurisdictionVersion));
  if (!levelSatisfies(await readKycLevel(trx, row.playerId), profile.withdrawalKycLevel))
    return 'identity-not-verified';
  if (await hasPendingWagering(trx, row.playerId, row.asset)) return 'wagering-pending';
  if (!isDecided && judgeLists(await listedNow(trx, row)).refusal !== null)
    return 'payment-method-unavailable';
  const loop = await closedLoop(trx, row);
  // A person has seen a plan that leaves sources waiting; one that nobody saw is not paid.
  return loop.skipsSources && !row.checkReasons.includes('closed-loop') ? 'closed-loop' : null;
}

async function isInBand(trx: Trx, row: WithdrawalRow, role: string): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select payments.may_approve(${row.brand}, ${role}, ${row.asset}, ${row.amount}::numeric) as may`.execute(
    trx,
  );
  return rows[0]?.may === true;
}

async function resumePoint(trx: Trx, row: WithdrawalRow): Promise<CheckedWithdrawal['resumesAt']> {
  if (row.closedAt !== null) return 'end';
  if (row.state === 'awaiting-approval') return 'approval';
  if (row.state === 'approved' || row.state === 'submitted') return 'payout';
  return row.state === 'parked' && (await hasPayouts(trx, row.id)) ? 'payout' : 'check';
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
