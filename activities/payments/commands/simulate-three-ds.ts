/** Replays stored 3-D Secure decisions through another version of the rules: what would have been asked, and of whom. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { threeDsCatalogue } from '#domain/payments/routing-fields.ts';
import type { ThreeDsWish } from '#domain/payments/three-ds.ts';
import { fromStoredFacts, type StoredFacts } from '#domain/rules/facts.ts';
import { wishBy } from '../decide-three-ds.ts';
import { readThreeDsVersion } from '../routing-rules.ts';
import { wishOf } from '../three-ds-columns.ts';
import type { RoutingSimulation, SimulatedDecision } from './simulate-routing.ts';

const decisionsMax = 20_000;
const samplesMax = 20;

/** In words, as an operator compares them. */
const wordsOf = ({ want, exemption, whenUnavailable }: ThreeDsWish): readonly string[] => [
  exemption === null ? want : `${want} ${exemption}`,
  `${whenUnavailable} when unavailable`,
];

/**
 * Decides again on the inputs as they were seen, the newest 20,000 of the period. Changes nothing. Failures:
 * `not-found`, `rule-invalid` when stored inputs do not fit the fields of today.
 */
export async function simulateThreeDs(
  db: Database,
  { versionId, brand, days }: { readonly versionId: string; readonly brand: string; readonly days: number },
): Promise<Result<RoutingSimulation>> {
  const version = await readThreeDsVersion(db, versionId);
  if (version === null) return fail('not-found', 'There is no such version.');
  const decided = await sql<{
    depositId: string;
    decidedAt: Date;
    inputs: StoredFacts;
    wish: unknown;
  }>`
    select deposit_id, decided_at, inputs, wish from payments.three_ds_decision
    where brand = ${brand} and decided_at > now() - make_interval(days => ${days})
    order by decided_at desc, deposit_id desc limit ${decisionsMax}`.execute(db);
  const rows = new Map<string | null, number>();
  const samples: SimulatedDecision[] = [];
  const counts = { decisions: 0, changed: 0, firstChanged: 0, undecided: 0 };
  for (const { depositId, decidedAt, inputs, wish } of decided.rows) {
    const facts = fromStoredFacts(threeDsCatalogue, inputs);
    if (!facts.ok) return facts;
    const again = wishBy(version, facts.value);
    const [was, would] = [wordsOf(wishOf(wish)), wordsOf(again.wish)];
    counts.decisions += 1;
    rows.set(again.row, (rows.get(again.row) ?? 0) + 1);
    if (was.join() === would.join()) continue;
    counts.changed += 1;
    if (was[0] !== would[0]) counts.firstChanged += 1;
    if (samples.length < samplesMax)
      samples.push({ paymentId: depositId, decidedAt, was, would, row: again.row });
  }
  return succeed({
    days,
    ...counts,
    isCapped: counts.decisions >= decisionsMax,
    rows: [...rows].map(([row, decisions]) => ({ row, decisions })),
    samples,
  });
}
