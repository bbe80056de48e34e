import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('the text for Prometheus carries every figure that dashboards and alerts name', async () => {
  const metrics = createMetrics({ ofProcess: true });
  metrics.httpRequestDurationS.labels('GET', '/v1/games', '200').observe(0.01);
  metrics.walletCommandDurationS.labels('bet', 'ok').observe(0.002);
  metrics.workflowOutcomes.labels('deposit', 'completed').inc();
  metrics.relayLagS.labels('clickhouse').set(1.5);
  metrics.relayBacklogRows.labels('clickhouse').set(3);
  metrics.pspAttempts.labels('alpha', 'declined').inc();
  const text = await metrics.registry.metrics();
  for (const line of [
    'pitboss_http_request_duration_seconds_count{method="GET",route="/v1/games",status="200"} 1',
    'pitboss_wallet_command_duration_seconds_count{kind="bet",outcome="ok"} 1',
    'pitboss_workflow_outcomes_total{workflow="deposit",outcome="completed"} 1',
    'pitboss_relay_lag_seconds{sink="clickhouse"} 1.5',
    'pitboss_relay_backlog_rows{sink="clickhouse"} 3',
    'pitboss_psp_attempts_total{psp="alpha",outcome="declined"} 1',
    'pitboss_process_cpu_seconds_total',
  ])
    expect(text).toContain(line);
});
