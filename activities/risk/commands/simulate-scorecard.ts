/** Replays stored scores through another version of the scorecard: whose band would be another one. */
import { sql } from 'kysely';
import { readScorecardVersion } from '#activities/payments/routing-rules.ts';
import type { Database } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { scoreBands, scoreBy } from '#domain/risk/scorecard.ts';
import { scorecardCatalogue } from '#domain/risk/scorecard-fields.ts';
import { fromStoredFacts, type StoredFacts } from '#domain/rules/facts.ts';

const scoringsMax = 20_000;
const samplesMax = 20;

/**
 * Scores again on the inputs as they were seen, the newest 20,000 of the period; scores that were given are not looked at.
 * `changed` counts other bands or scores, `firstChanged` other bands. Changes nothing. Failures: `not-found`,
 * `rule-invalid` when stored inputs do not fit the fields of today.
 */
export async function simulateScorecard(
  db: Database,
  { versionId, brand, days }: { readonly versionId: string; readonly brand: string; readonly days: number },
): Promise<Result<ScorecardSimulation>> {
  const version = await readScorecardVersion(db, versionId);
  if (version === null) return fail('not-found', 'There is no such version.');
  const scored = await sql<{
    subject: string;
    scoredAt: Date;
    inputs: StoredFacts;
    computed: number;
    was: string;
  }>`
    select s.subject, s.scored_at, s.inputs, s.computed,
      case when s.computed >= (v.content -> 'otherwise' ->> 'refuseFrom')::int then 'refuse'
        when s.computed >= (v.content -> 'otherwise' ->> 'reviewFrom')::int then 'review' else 'accept' end as was
    from risk.scoring s join backoffice.rule_version v on v.id = s.rule_version_id
    where s.brand = ${brand} and s.scored_at > now() - make_interval(days => ${days})
    order by s.scored_at desc, s.subject desc limit ${scoringsMax}`.execute(db);
  const rows = new Map<string | null, number>();
  const samples: ScorecardSimulation['samples'][number][] = [];
  const counts = { decisions: 0, changed: 0, firstChanged: 0, undecided: 0 };
  for (const { subject, scoredAt, inputs, computed, was: band } of scored.rows) {
    const facts = fromStoredFacts(scorecardCatalogue, inputs);
    if (!facts.ok) return facts;
    const again = scoreBy(version.rules, facts.value);
    counts.decisions += 1;
    for (const row of again.points.length === 0 ? [null] : again.points.map((one) => one.row))
      rows.set(row, (rows.get(row) ?? 0) + 1);
    const was = scoreBands.find((known) => known === band) ?? 'accept';
    if (was === again.band && computed === again.score) continue;
    counts.changed += 1;
    if (was !== again.band) counts.firstChanged += 1;
    if (samples.length < samplesMax)
      samples.push({
        paymentId: subject.split(':')[1] ?? subject,
        decidedAt: scoredAt,
        was: [was, String(computed)],
        would: [again.band, String(again.score)],
        row: again.points[0]?.row ?? null,
      });
  }
  return succeed({
    days,
    ...counts,
    isCapped: counts.decisions >= scoringsMax,
    rows: [...rows].map(([row, decisions]) => ({ row, decisions })),
    samples,
  });
}

/** As that of every rule set: each row with how often it held, null where none did. */
export type ScorecardSimulation = {
  readonly days: number;
  readonly decisions: number;
  readonly changed: number;
  readonly firstChanged: number;
  readonly undecided: number;
  readonly isCapped: boolean;
  readonly rows: readonly { readonly row: string | null; readonly decisions: number }[];
  readonly samples: readonly {
    readonly paymentId: string;
    readonly decidedAt: Date;
    readonly was: readonly string[];
    readonly would: readonly string[];
    readonly row: string | null;
  }[];
};
