/** Replays stored routing decisions through another version of the rules: what would have been different, and for whom. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { routeDeposit } from '#domain/payments/routing.ts';
import { ruleSets } from '#domain/backoffice/rule-sets.ts';
import { fromStoredFacts, type StoredFacts } from '#domain/rules/facts.ts';
import { readRoutingVersion, type RoutingSetName } from '../routing-rules.ts';

export type RoutingSimulation = {
  readonly days: number;
  readonly decisions: number;
  /** Decisions with another order; among them those with another first PSP. */
  readonly changed: number;
  readonly firstChanged: number;
  /** Decisions for which the version has no order at all. */
  readonly undecided: number;
  /** Older decisions of the period were left out. */
  readonly isCapped: boolean;
  /** How often each row would have decided; null is the default. */
  readonly rows: readonly { readonly row: string | null; readonly decisions: number }[];
  /** The newest of those that would differ. */
  readonly samples: readonly SimulatedDecision[];
};

export type SimulatedDecision = {
  /** Of the deposit or the withdrawal. */
  readonly paymentId: string;
  readonly decidedAt: Date;
  readonly was: readonly string[];
  readonly would: readonly string[];
  readonly row: string | null;
};

const decisionsMax = 20_000;
const pageSize = 2_000;
const samplesMax = 20;

/**
 * Decides again on the inputs as they were seen, newest first, at most 20,000 of them. Changes nothing. Failures:
 * `not-found`, `rule-invalid` when stored inputs do not fit the fields of today.
 */
export async function simulateRouting(
  db: Database,
  {
    versionId,
    ruleSet,
    brand,
    days,
  }: {
    readonly versionId: string;
    readonly ruleSet: RoutingSetName;
    readonly brand: string;
    readonly days: number;
  },
): Promise<Result<RoutingSimulation>> {
  const version = await readRoutingVersion(db, versionId, ruleSet);
  if (version === null) return fail('not-found', 'There is no such version.');
  const rows = new Map<string | null, number>();
  const samples: SimulatedDecision[] = [];
  const counts = { decisions: 0, changed: 0, firstChanged: 0, undecided: 0 };
  let place: Place | null = null;
  for (;;) {
    const page: readonly StoredDecision[] = await readPage(db, ruleSet, brand, days, place);
    for (const stored of page) {
      const facts = fromStoredFacts(ruleSets[ruleSet].catalogue, stored.inputs);
      if (!facts.ok) return facts;
      const { psps, row } = routeDeposit(version.rules, facts.value, stored.seed);
      counts.decisions += 1;
      rows.set(row, (rows.get(row) ?? 0) + 1);
      if (psps.length === 0) counts.undecided += 1;
      if (psps.join(' ') === stored.psps.join(' ')) continue;
      counts.changed += 1;
      if (psps[0] !== stored.psps[0]) counts.firstChanged += 1;
      if (samples.length < samplesMax)
        samples.push({
          paymentId: stored.paymentId,
          decidedAt: stored.decidedAt,
          was: stored.psps,
          would: psps,
          row,
        });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize || counts.decisions >= decisionsMax) break;
    place = { atUs: last.atUs, seed: last.seed };
  }
  return succeed({
    days,
    ...counts,
    isCapped: counts.decisions >= decisionsMax,
    rows: [...rows].map(([row, decisions]) => ({ row, decisions })),
    samples,
  });
}

type StoredDecision = {
  readonly paymentId: string;
  /** What its place in the volume was drawn from; unique. */
  readonly seed: string;
  readonly decidedAt: Date;
  readonly atUs: string;
  readonly inputs: StoredFacts;
  readonly psps: readonly string[];
};

const sources = {
  'payments.deposit-routing': {
    table: sql.table('payments.routing_decision'),
    id: sql.ref('deposit_id'),
    seed: sql<string>`deposit_id::text`,
  },
  'payments.payout-routing': {
    table: sql.table('payments.payout_routing_decision'),
    id: sql.ref('withdrawal_id'),
    seed: sql<string>`withdrawal_id || ':' || leg`,
  },
} as const;

/** Of the last row before, to the microsecond: a Date would lose three digits. */
type Place = { readonly atUs: string; readonly seed: string };

async function readPage(
  db: Database,
  ruleSet: RoutingSetName,
  brand: string,
  days: number,
  place: Place | null,
): Promise<readonly StoredDecision[]> {
  const { table, id, seed } = sources[ruleSet];
  const before =
    place === null ? sql`` : sql`and (decided_at, ${seed}) < (${place.atUs}::timestamptz, ${place.seed})`;
  const { rows } = await sql<StoredDecision>`
    select ${id} as payment_id, ${seed} as seed, decided_at, decided_at::text as at_us, inputs, psps
    from ${table}
    where rule_version_id is not null and brand = ${brand} and decided_at > now() - make_interval(days => ${days}) ${before}
    order by decided_at desc, ${seed} desc limit ${pageSize}
  `.execute(db);
  return rows;
}
