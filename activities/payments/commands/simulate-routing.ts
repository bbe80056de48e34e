/** Replays stored routing decisions through another version of the rules: what would have been different, and for whom. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { routeDeposit } from '#domain/payments/routing.ts';
import { routingCatalogue } from '#domain/payments/routing-fields.ts';
import { fromStoredFacts, type StoredFacts } from '#domain/rules/facts.ts';
import { readRoutingVersion } from '../routing-rules.ts';

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
  readonly depositId: string;
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
  { versionId, brand, days }: { readonly versionId: string; readonly brand: string; readonly days: number },
): Promise<Result<RoutingSimulation>> {
  const version = await readRoutingVersion(db, versionId);
  if (version === null) return fail('not-found', 'There is no such version.');
  const rows = new Map<string | null, number>();
  const samples: SimulatedDecision[] = [];
  const counts = { decisions: 0, changed: 0, firstChanged: 0, undecided: 0 };
  let place: Place | null = null;
  for (;;) {
    const page: readonly StoredDecision[] = await readPage(db, brand, days, place);
    for (const stored of page) {
      const facts = fromStoredFacts(routingCatalogue, stored.inputs);
      if (!facts.ok) return facts;
      const { psps, row } = routeDeposit(version.rules, facts.value, stored.depositId);
      counts.decisions += 1;
      rows.set(row, (rows.get(row) ?? 0) + 1);
      if (psps.length === 0) counts.undecided += 1;
      if (psps.join(' ') === stored.psps.join(' ')) continue;
      counts.changed += 1;
      if (psps[0] !== stored.psps[0]) counts.firstChanged += 1;
      if (samples.length < samplesMax)
        samples.push({
          depositId: stored.depositId,
          decidedAt: stored.decidedAt,
          was: stored.psps,
          would: psps,
          row,
        });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize || counts.decisions >= decisionsMax) break;
    place = { atUs: last.atUs, depositId: last.depositId };
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
  readonly depositId: string;
  readonly decidedAt: Date;
  readonly atUs: string;
  readonly inputs: StoredFacts;
  readonly psps: readonly string[];
};

/** Of the last row before, to the microsecond: a Date would lose three digits. */
type Place = { readonly atUs: string; readonly depositId: string };

async function readPage(
  db: Database,
  brand: string,
  days: number,
  place: Place | null,
): Promise<readonly StoredDecision[]> {
  const before =
    place === null
      ? sql``
      : sql`and (decided_at, deposit_id) < (${place.atUs}::timestamptz, ${place.depositId}::uuid)`;
  const { rows } = await sql<StoredDecision>`
    select deposit_id, decided_at, decided_at::text as at_us, inputs, psps
    from payments.routing_decision
    where brand = ${brand} and decided_at > now() - make_interval(days => ${days}) ${before}
    order by decided_at desc, deposit_id desc limit ${pageSize}
  `.execute(db);
  return rows;
}
