/** Alive, ready, and the figures for Prometheus: what an orchestrator asks of the API. */
import { sql } from 'kysely';
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';
import { askDependencies } from './readiness.ts';

/**
 * `/healthz` answers as long as the process runs; `/readyz` needs the database alone, since bets keep working while
 * Temporal or ClickHouse is away, and names the state of each.
 */
export function mountHealth(api: Api, deps: ApiDeps): void {
  const probes = {
    database: () => sql`select 1`.execute(deps.db),
    temporal: async () => {
      const { connection } = await deps.temporal();
      return connection.withDeadline(Date.now() + 1_500, () => connection.workflowService.getSystemInfo({}));
    },
    clickHouse: async () => {
      const answer = await deps.clickhouse.ping();
      if (!answer.success) throw answer.error;
    },
  };
  api.get('/healthz', (c) => c.json({ status: 'alive' }));
  api.get('/readyz', async (c) => {
    const readiness = await askDependencies(probes, ['database']);
    return c.json(readiness, readiness.status === 'not-ready' ? 503 : 200);
  });
  api.get('/metrics', async (c) =>
    c.body(await deps.metrics.registry.metrics(), 200, { 'content-type': deps.metrics.registry.contentType }),
  );
}
