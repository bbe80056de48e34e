/** Alive, ready, and the figures for Prometheus: what an orchestrator asks of the API. */
import { sql } from 'kysely';
import type { Api } from './app.ts';
import type { ApiDeps } from './context.ts';
import { mayReadFigures } from './figures-guard.ts';
import { answerProblem, nothingHere } from './problem.ts';
import { askDependencies } from './readiness.ts';

/** Bets keep working while Temporal or ClickHouse is away, so readiness needs the database alone. */
export const requiredProbes: readonly string[] = ['database'];

export const probesOf = (deps: ApiDeps) => ({
  database: () => sql`select 1`.execute(deps.db),
  temporal: async () => {
    const { connection } = await deps.temporal();
    return connection.withDeadline(Date.now() + 1_500, () => connection.workflowService.getSystemInfo({}));
  },
  clickHouse: async () => {
    const answer = await deps.clickhouse.ping();
    if (!answer.success) throw answer.error;
  },
});

/** `/healthz` answers as long as the process runs; `/readyz` names the state of each dependency. */
export function mountHealth(api: Api, deps: ApiDeps): void {
  const probes = probesOf(deps);
  api.get('/healthz', (c) => c.json({ status: 'alive' }));
  api.get('/readyz', async (c) => {
    const readiness = await askDependencies(probes, requiredProbes);
    return c.json(readiness, readiness.status === 'not-ready' ? 503 : 200);
  });
  api.get('/metrics', async (c) => {
    if (!mayReadFigures(c, deps.config)) return answerProblem(c, nothingHere);
    const { registry } = deps.metrics;
    return c.body(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });
}
