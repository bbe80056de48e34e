/** What Prometheus is told of markets whose results do not come. */
import { Gauge, type Registry } from 'prom-client';
import { readMissingResults } from '#activities/games/book/missing-results.ts';
import { rememberShortly } from '#activities/short-memory.ts';
import type { Database } from '#db/connect.ts';

/** A scrape every few seconds asks the database once in ten. */
const readShortly = rememberShortly(10_000, (db) => readMissingResults(db));

/** For one process of a platform: figures of the whole platform, told more than once, would be summed. */
export function showMissingResults(registry: Registry, db: Database): void {
  const gauge = (name: string, help: string, figure: 'open' | 'oldestAgeS') =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const missing = await readShortly(db, '').catch(() => null);
        if (missing) this.set(missing[figure]);
      },
    });
  gauge('pitboss_missing_results_open', 'Markets with open bets whose result is overdue.', 'open');
  gauge(
    'pitboss_missing_result_oldest_age_seconds',
    'How long the longest overdue result has been known to be missing; 0 when none is.',
    'oldestAgeS',
  );
}
