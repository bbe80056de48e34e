/** The stop that a failed audit sets: withdrawals look here, bets never do. Lifted after a clean audit or by two people. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { answerOf, once, tellAnswer, type ActKey } from '#activities/compliance/commands/keyed-acts.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, FailureError, succeed, type Result } from '#domain/failures.ts';

export type WithdrawalStop = {
  readonly id: string;
  readonly auditId: string;
  readonly setAt: Date;
  readonly findings: readonly string[];
  readonly approvals: readonly {
    readonly operatorId: string;
    readonly reason: string;
    readonly approvedAt: Date;
  }[];
};

/** Seconds after which a caller may ask again; the payouts' workflows do. */
const retryAfterS = 60;

/** Throws `withdrawals-stopped` while a stop is open. */
export async function refuseWhileStopped(db: Database | Trx): Promise<void> {
  if (!(await isWithdrawalStopped(db))) return;
  throw new FailureError(
    fail(
      'withdrawals-stopped',
      'Withdrawals are stopped while the ledger is examined; money that is held stays held.',
      {
        retryAfterS,
      },
    ).failure,
  );
}

export async function isWithdrawalStopped(db: Database | Trx): Promise<boolean> {
  const open = await db
    .selectFrom('wallet.withdrawalStop')
    .select('id')
    .where('liftedAt', 'is', null)
    .executeTakeFirst();
  return open !== undefined;
}

/** The open stop with the approvals that it has, or null. */
export async function findOpenStop(db: Database | Trx): Promise<WithdrawalStop | null> {
  const stop = await db
    .selectFrom('wallet.withdrawalStop')
    .select(['id', 'auditRunId', 'setAt', 'findings'])
    .where('liftedAt', 'is', null)
    .executeTakeFirst();
  if (stop === undefined) return null;
  const approvals = await db
    .selectFrom('wallet.withdrawalStopApproval')
    .select(['operatorId', 'reason', 'approvedAt'])
    .where('stopId', '=', stop.id)
    .orderBy('approvedAt')
    .execute();
  return {
    id: String(stop.id),
    auditId: String(stop.auditRunId),
    setAt: stop.setAt,
    findings: stop.findings,
    approvals,
  };
}

/** Sets a stop unless one is open; true when it was set by this call. */
export async function setStop(trx: Trx, auditId: bigint, findings: readonly string[]): Promise<boolean> {
  const inserted = await trx
    .insertInto('wallet.withdrawalStop')
    .values({ auditRunId: auditId, findings: [...findings] })
    .onConflict((on) => on.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted === undefined) return false;
  await appendEvent(
    trx,
    {
      type: 'wallet.withdrawal-stop.set',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { stopId: String(inserted.id), auditId: String(auditId) },
    },
    { actor: { kind: 'system', id: 'ledger-audit' }, subject: `withdrawal-stop:${inserted.id}` },
  );
  return true;
}

export type LiftOutcome = { readonly state: 'lifted' | 'awaiting-second'; readonly approvals: number };

/**
 * One operator's word for lifting the open stop. It is lifted at once when an audit of the same depth that began after
 * the stop was set is clean, otherwise by the second operator. Failures: `not-found` (no open stop), `already-decided`.
 */
export async function liftStop(
  trx: Trx,
  operator: { readonly operatorId: string; readonly reason: string },
): Promise<Result<LiftOutcome & { readonly stopId: string }>> {
  const stop = await trx
    .selectFrom('wallet.withdrawalStop')
    .selectAll()
    .where('liftedAt', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (stop === undefined) return fail('not-found', 'No stop of withdrawals is open.');
  const clean = await cleanAuditSince(trx, stop.id);
  const inserted = await trx
    .insertInto('wallet.withdrawalStopApproval')
    .values({ stopId: stop.id, ...operator })
    .onConflict((on) => on.doNothing())
    .returning('operatorId')
    .executeTakeFirst();
  // The same operator again is enough only when the ledger has become clean meanwhile.
  if (inserted === undefined && clean === null) return fail('already-decided', 'A second person is needed.');
  const { approvals } = await approvalsOf(trx, stop.id);
  if (clean === null && approvals < 2)
    return succeed({ stopId: String(stop.id), state: 'awaiting-second', approvals });
  await trx
    .updateTable('wallet.withdrawalStop')
    .set({
      liftedAt: sql<Date>`now()`,
      liftedBy: operator.operatorId,
      liftReason: operator.reason,
      cleanRunId: clean,
    })
    .where('id', '=', stop.id)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'wallet.withdrawal-stop.lifted',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { stopId: String(stop.id), cleanAuditId: clean === null ? null : String(clean) },
    },
    {
      actor: { kind: 'operator', id: operator.operatorId },
      subject: `withdrawal-stop:${stop.id}`,
      reason: operator.reason,
    },
  );
  return succeed({ stopId: String(stop.id), state: 'lifted', approvals });
}

/**
 * The same under the operator's key: a repeat tells how the stop stands that the first call was about, and is no word on
 * a later one. Failure besides those of `liftStop`: `idempotency-key-reused`.
 */
export const liftStopOnce = (
  trx: Trx,
  key: ActKey,
  operator: { readonly operatorId: string; readonly reason: string },
): Promise<Result<LiftOutcome>> =>
  once(
    trx,
    key,
    async () => {
      const lifted = await liftStop(trx, operator);
      if (!lifted.ok) return lifted;
      const { stopId, ...outcome } = lifted.value;
      await tellAnswer(trx, key, stopId);
      return succeed(outcome);
    },
    async () => {
      const stopId = BigInt((await answerOf(trx, key)) ?? 0);
      const { liftedAt } = await trx
        .selectFrom('wallet.withdrawalStop')
        .select('liftedAt')
        .where('id', '=', stopId)
        .executeTakeFirstOrThrow();
      const { approvals } = await approvalsOf(trx, stopId);
      return succeed({ state: liftedAt === null ? 'awaiting-second' : 'lifted', approvals });
    },
  );

const approvalsOf = (trx: Trx, stopId: bigint) =>
  trx
    .selectFrom('wallet.withdrawalStopApproval')
    .select(sql<number>`count(*)::int`.as('approvals'))
    .where('stopId', '=', stopId)
    .executeTakeFirstOrThrow();

/** The latest audit, when it is clean, began after the stop and looks as far as the one that set it. */
async function cleanAuditSince(trx: Trx, stopId: bigint): Promise<bigint | null> {
  const { rows } = await sql<{ id: bigint; outcome: string }>`
    select r.id, r.outcome from wallet.withdrawal_stop s join wallet.audit_run f on f.id = s.audit_run_id
    join wallet.audit_run r on r.started_at > s.set_at and (r.kind = 'full' or f.kind = 'minute')
    where s.id = ${stopId} order by r.id desc limit 1`.execute(trx);
  return rows[0]?.outcome === 'clean' ? rows[0].id : null;
}
