/** One run of the audit: looks, writes down what it saw, and on the first unit of difference raises the alarm. */
import type { ClickHouseClient } from '@clickhouse/client';
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { rootAt, readLogSize } from '../log/tiles.ts';
import { verifyLedger } from '../verify.ts';
import { readAcceptedFindings, readProgress, type AuditProgress } from './audit-progress.ts';
import { compareMinutes } from './compare-minutes.ts';
import { examineLeaves, openExamination } from './examine-leaves.ts';
import { setStop } from './withdrawal-stop.ts';

export type AuditCheck = {
  readonly name: string;
  /** 'unseen': it could not be looked at, which is no difference. */
  readonly outcome: 'ok' | 'different' | 'unseen';
  readonly covered: string;
  readonly findings: readonly string[];
};

export type AuditRun = {
  readonly id: bigint;
  readonly kind: 'minute' | 'full';
  readonly outcome: 'clean' | 'different' | 'incomplete';
  readonly checks: readonly AuditCheck[];
  /** True when this run stopped withdrawals. */
  readonly hasStopped: boolean;
};

export type AuditDeps = {
  readonly db: Database;
  readonly clickhouse: ClickHouseClient;
  readonly stopsWithdrawals: boolean;
  readonly limits?: Partial<AuditLimits>;
};

export type AuditLimits = {
  /** New journals that one run looks at; more wait for the next. */
  readonly newLeavesMax: number;
  /** Old journals that every run looks at once more, so that in time all of them are seen again and again. */
  readonly patrolLeaves: number;
  /** A sink or the log that is further behind than this is reported. */
  readonly lagSMax: number;
};

const defaultLimits: AuditLimits = { newLeavesMax: 150_000, patrolLeaves: 20_000, lagSMax: 60 };
const findingsMax = 20;

/** The audit of every minute. Its work is bounded: new journals, a patrol of old ones, closed minutes. */
export async function auditMinute(deps: AuditDeps): Promise<AuditRun> {
  const { db } = deps;
  const limits = { ...defaultLimits, ...deps.limits };
  const startedAt = await readNow(db);
  const progress = await readProgress(db);
  const size = await readLogSize(db);
  const next = Math.min(size, progress.nextLeaf + limits.newLeavesMax);
  const patrol = patrolOf(progress, limits.patrolLeaves);
  const found = openExamination();
  await examineLeaves(db, progress.nextLeaf, next, found);
  for (const { first, end } of patrol.ranges) await examineLeaves(db, first, end, found);
  const minutes = await compareMinutes(db, deps.clickhouse, progress.nextMinute);
  const looked = `${next - progress.nextLeaf} new and ${patrol.ranges.reduce((sum, { first, end }) => sum + end - first, 0)} old journals`;
  const checks: AuditCheck[] = [
    check('journals are what was logged', looked, found.leaves),
    check('journals balance per asset', `${found.journals} journals`, found.balances),
    check('chains go on', `${found.entries} entries`, found.chains),
    check('balances equal entries', `${found.wallets.size} wallets`, found.projections),
    check(
      'ClickHouse has the ledger’s totals',
      minutes.unseen ?? `${minutes.minutes} minutes, ${minutes.entries} entries`,
      minutes.findings,
      minutes.unseen !== null,
    ),
    await checkSigned(db),
    await checkLag(db, limits.lagSMax),
  ];
  return record(deps, {
    kind: 'minute',
    startedAt,
    checks,
    before: progress,
    after: { nextLeaf: next, patrolNext: patrol.next, nextMinute: minutes.next },
  });
}

/** The whole ledger once: every check of `npm run verify`. `db` must allow statements that take long. */
export async function auditFull(deps: Omit<AuditDeps, 'clickhouse'>): Promise<AuditRun> {
  const startedAt = await readNow(deps.db);
  const checks = (await verifyLedger(deps.db)).map(({ name, covered, findings }) =>
    check(name, covered, findings),
  );
  const none = { nextLeaf: 0, patrolNext: 0, nextMinute: null };
  return record(deps, { kind: 'full', startedAt, checks, before: none, after: none });
}

type Patrol = { readonly ranges: readonly { first: number; end: number }[]; readonly next: number };

/** Goes on where the last patrol stopped, and from the first leaf again behind the last; no leaf twice in one run. */
function patrolOf({ nextLeaf, patrolNext }: AuditProgress, leavesMax: number): Patrol {
  const start = Math.min(patrolNext, nextLeaf);
  const end = Math.min(nextLeaf, start + leavesMax);
  const again = Math.min(start, leavesMax - (end - start));
  const ranges = [
    { first: start, end },
    { first: 0, end: again },
  ].filter((range) => range.end > range.first);
  return { ranges, next: again > 0 ? again : end };
}

const check = (name: string, covered: string, findings: readonly string[], isUnseen = false): AuditCheck => ({
  name,
  outcome: findings.length > 0 ? 'different' : isUnseen ? 'unseen' : 'ok',
  covered,
  findings: findings.slice(0, findingsMax),
});

async function readNow(db: Database): Promise<string> {
  const { rows } = await sql<{ now: string }>`select clock_timestamp()::text as now`.execute(db);
  return rows[0]?.now ?? '';
}

/** The signed root is that of the log, and signing keeps up with growth. */
async function checkSigned(db: Database): Promise<AuditCheck> {
  const name = 'the log is the one that was signed';
  const { rows } = await sql<{ size: bigint; root: Buffer; isBehind: boolean }>`
    select c.size, c.root, coalesce((select l.occurred_at < now() - interval '3 min' from wallet.log_leaf l where l.index = c.size), false)
      as is_behind
    from wallet.log_checkpoint c order by c.size desc limit 1`.execute(db);
  const [last] = rows;
  if (last === undefined) return check(name, 'no checkpoint was signed yet', [], (await readLogSize(db)) > 0);
  const size = Number(last.size);
  if (size > (await readLogSize(db)) || !last.root.equals(await rootAt(db, size)))
    return check(name, `${size} leaves`, [`the checkpoint of ${size} leaves has another root than the log`]);
  return check(
    name,
    last.isBehind ? 'journals of three minutes are not signed' : `${size} leaves`,
    [],
    last.isBehind,
  );
}

async function checkLag(db: Database, lagSMax: number): Promise<AuditCheck> {
  const { rows } = await sql<{ sink: string; lagS: number }>`
    select c.sink, coalesce(extract(epoch from now() - o.occurred_at), 0)::float8 as lag_s
    from compliance.relay_cursor c left join lateral (
      select x.occurred_at from compliance.outbox x where (x.xid, x.id) > (c.xid, c.last_id) order by x.xid, x.id limit 1
    ) o on true order by c.sink`.execute(db);
  const late = rows
    .filter(({ lagS }) => lagS > lagSMax)
    .map(({ sink, lagS }) => `${sink} ${Math.round(lagS)} s`);
  return check(
    'facts are delivered in time',
    late.length > 0 ? `behind: ${late.join(', ')}` : `${rows.length} sinks`,
    [],
    late.length > 0,
  );
}

type Seen = {
  readonly kind: AuditRun['kind'];
  readonly startedAt: string;
  readonly checks: readonly AuditCheck[];
  readonly before: AuditProgress;
  readonly after: AuditProgress;
};

/**
 * Writes the run. While it differs from the accepted, the next one begins where this one did: a difference is looked at
 * until it is repaired or two people have accepted it.
 */
async function record(deps: Omit<AuditDeps, 'clickhouse'>, seen: Seen): Promise<AuditRun> {
  const { kind, startedAt, checks, before, after } = seen;
  const findings = checks.flatMap((one) => one.findings);
  const outcome =
    findings.length > 0
      ? 'different'
      : checks.some((one) => one.outcome === 'unseen')
        ? 'incomplete'
        : 'clean';
  return deps.db.transaction().execute(async (trx) => {
    const accepted = findings.length === 0 ? new Set<string>() : await readAcceptedFindings(trx);
    const fresh = findings.filter((finding) => !accepted.has(finding));
    const place = fresh.length === 0 ? after : { ...before };
    const wasDifferent = await wasLastDifferent(trx, kind);
    const { id } = await trx
      .insertInto('wallet.auditRun')
      .values({
        kind,
        startedAt: sql<Date>`${startedAt}::timestamptz`,
        outcome,
        firstLeaf: BigInt(before.nextLeaf),
        nextLeaf: BigInt(place.nextLeaf),
        patrolFirst: BigInt(before.patrolNext),
        patrolNext: BigInt(place.patrolNext),
        nextMinute:
          place.nextMinute === null ? null : sql<Date>`(${place.nextMinute}::text || '+00')::timestamptz`,
        checks: JSON.stringify(checks),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const hasStopped = fresh.length > 0 && deps.stopsWithdrawals && (await setStop(trx, id, fresh));
    if (fresh.length > 0 && (hasStopped || !wasDifferent)) await raiseAlarm(trx, { id, kind, fresh });
    return { id, kind, outcome, checks, hasStopped };
  });
}

async function wasLastDifferent(trx: Trx, kind: AuditRun['kind']): Promise<boolean> {
  const last = await trx
    .selectFrom('wallet.auditRun')
    .select('outcome')
    .where('kind', '=', kind)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.outcome === 'different';
}

async function raiseAlarm(
  trx: Trx,
  { id, kind, fresh }: { id: bigint; kind: AuditRun['kind']; fresh: readonly string[] },
): Promise<void> {
  await appendEvent(
    trx,
    {
      type: 'wallet.audit.failed',
      version: 1,
      brand: '*',
      playerId: null,
      payload: { auditId: String(id), kind, findings: fresh.slice(0, findingsMax) },
    },
    { actor: { kind: 'system', id: 'ledger-audit' }, subject: `audit:${id}` },
  );
}
