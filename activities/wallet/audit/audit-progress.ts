/** How far the audit has come, what two people have accepted, and when the whole ledger is due. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';

export type AuditProgress = {
  /** First leaf that no run has looked at. */
  readonly nextLeaf: number;
  /** First leaf that the patrol has not come to in this round. */
  readonly patrolNext: number;
  /** First minute that was not held against ClickHouse, UTC without offset; null before the first. */
  readonly nextMinute: string | null;
};

export async function readProgress(db: Database): Promise<AuditProgress> {
  const { rows } = await sql<{ nextLeaf: bigint; patrolNext: bigint; nextMinute: string | null }>`
    select next_leaf, patrol_next, to_char(next_minute at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as next_minute
    from wallet.audit_run where kind = 'minute' order by id desc limit 1`.execute(db);
  const [last] = rows;
  return {
    nextLeaf: Number(last?.nextLeaf ?? 0),
    patrolNext: Number(last?.patrolNext ?? 0),
    nextMinute: last?.nextMinute ?? null,
  };
}

/** Findings that two people knew of when they lifted a stop over them: they stay visible and stop nothing again. */
export async function readAcceptedFindings(trx: Trx): Promise<Set<string>> {
  const { rows } = await sql<{ finding: string }>`
    select distinct f.finding from wallet.withdrawal_stop s
    join wallet.audit_run r on r.id >= s.audit_run_id and r.finished_at <= s.lifted_at and r.outcome = 'different'
    cross join lateral jsonb_array_elements(r.checks) c
    cross join lateral jsonb_array_elements_text(c -> 'findings') f(finding)
    where s.lifted_at is not null and s.clean_run_id is null`.execute(trx);
  return new Set(rows.map(({ finding }) => finding));
}

/** True when the night's scan has not begun since `hour` (UTC), or somebody has asked for one since the last began. */
export async function isFullAuditDue(db: Database, hour: number): Promise<boolean> {
  const { rows } = await sql<{ due: boolean }>`
    with last as (select max(started_at) as at from wallet.audit_run where kind = 'full'),
    night as (
      select (date_trunc('day', (now() at time zone 'UTC') - make_interval(hours => ${hour})) + make_interval(hours => ${hour}))
        at time zone 'UTC' as at
    )
    select coalesce(last.at < night.at, (select min(l.occurred_at) from wallet.log_leaf l) < night.at, false)
      or exists (select 1 from wallet.audit_request q where q.requested_at > coalesce(last.at, '-infinity')) as due
    from last, night`.execute(db);
  return rows[0]?.due ?? false;
}

/** Asks for a scan of the whole ledger at the next opportunity. */
export async function requestFullAudit(
  db: Database,
  operator: { readonly operatorId: string; readonly reason: string },
): Promise<void> {
  await db.insertInto('wallet.auditRequest').values(operator).execute();
}
