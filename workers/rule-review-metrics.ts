/** What Prometheus is told of roll-backs of rules that no second person has looked at yet. */
import { sql } from 'kysely';
import { Gauge, type Registry } from 'prom-client';
import { rememberShortly } from '#activities/short-memory.ts';
import type { Database } from '#db/connect.ts';
import { ruleSetNames } from '#domain/backoffice/rule-sets.ts';

type OpenReviews = { readonly ruleSet: string; readonly open: number; readonly oldestAgeS: number };

/** A scrape every few seconds asks the database once in ten. */
const readShortly = rememberShortly(10_000, async (db): Promise<readonly OpenReviews[]> => {
  const { rows } = await sql<OpenReviews>`
    select rule_set, count(*)::int as open, extract(epoch from now() - min(opened_at))::float8 as "oldestAgeS"
    from backoffice.rule_review where closed_at is null group by rule_set`.execute(db);
  return rows;
});

/** For one process of a platform: figures of the whole platform, told more than once, would be summed. */
export function showRuleReviews(registry: Registry, db: Database): void {
  const gauge = (name: string, help: string, figure: (review: OpenReviews) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['rule_set'],
      registers: [registry],
      async collect() {
        const rows = await readShortly(db, '').catch(() => []);
        for (const ruleSet of ruleSetNames) {
          const row = rows.find((one) => one.ruleSet === ruleSet);
          this.labels(ruleSet).set(row === undefined ? 0 : figure(row));
        }
      },
    });
  gauge(
    'pitboss_rule_reviews_open',
    'Roll-backs of rules that wait for the look of a second person.',
    ({ open }) => open,
  );
  gauge(
    'pitboss_rule_review_oldest_age_seconds',
    'Age of the oldest of them; 0 when none waits.',
    ({ oldestAgeS }) => oldestAgeS,
  );
}
