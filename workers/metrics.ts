/** The platform's own figures for Prometheus; the Temporal SDK publishes its own on another port. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = {
  readonly registry: Registry;
  readonly httpRequestDurationS: Histogram<'method' | 'route' | 'status'>;
  readonly walletCommandDurationS: Histogram<'kind' | 'outcome'>;
  readonly workflowOutcomes: Counter<'workflow' | 'outcome'>;
  /** Age of the oldest fact that a sink has not delivered yet. */
  readonly relayLagS: Gauge<'sink'>;
  readonly relayBacklogRows: Gauge<'sink'>;
  readonly relayDeliveredRows: Counter<'sink'>;
  readonly relayFailures: Counter<'sink'>;
  readonly ledgerCheckpointSize: Gauge;
  readonly ledgerCheckpointSignedAtS: Gauge;
  /** 1 when the last run of a check found a difference, 0 when it did not. */
  readonly ledgerAuditDifference: Gauge<'check'>;
  readonly ledgerAuditFinishedAtS: Gauge<'kind'>;
  readonly ledgerAuditDurationS: Gauge<'kind'>;
  readonly withdrawalsStopped: Gauge;
  readonly sweepItems: Counter<'sweep' | 'outcome'>;
  readonly pspAttempts: Counter<'psp' | 'outcome'>;
};

const latencyBucketsS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A registry of its own for each call, so that two parts of one process or two tests never share a counter. */
export function createMetrics(options: { readonly ofProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.ofProcess) collectDefaultMetrics({ register: registry, prefix: 'pitboss_' });
  return {
    registry,
    httpRequestDurationS: new Histogram({
      name: 'pitboss_http_request_duration_seconds',
      help: 'Time from the arrival of a request to its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: latencyBucketsS,
      registers,
    }),
    walletCommandDurationS: new Histogram({
      name: 'pitboss_wallet_command_duration_seconds',
      help: 'Time from the arrival of a wallet command to its durable answer.',
      labelNames: ['kind', 'outcome'],
      buckets: latencyBucketsS,
      registers,
    }),
    workflowOutcomes: new Counter({
      name: 'pitboss_workflow_outcomes_total',
      help: 'Workflow runs by how they ended.',
      labelNames: ['workflow', 'outcome'],
      registers,
    }),
    relayLagS: gauge('pitboss_relay_lag_seconds', 'Age of the oldest undelivered fact of a sink.', registers),
    relayBacklogRows: gauge(
      'pitboss_relay_backlog_rows',
      'Facts that a sink has not delivered yet.',
      registers,
    ),
    relayDeliveredRows: counter(
      'pitboss_relay_delivered_rows_total',
      'Facts that a sink has delivered.',
      registers,
    ),
    relayFailures: counter(
      'pitboss_relay_failures_total',
      'Blocks that a sink refused and that are sent again.',
      registers,
    ),
    ledgerCheckpointSize: new Gauge({
      name: 'pitboss_ledger_checkpoint_size',
      help: 'Journals that the last signed checkpoint covers.',
      registers,
    }),
    ledgerCheckpointSignedAtS: new Gauge({
      name: 'pitboss_ledger_checkpoint_signed_timestamp_seconds',
      help: 'When the last checkpoint was signed.',
      registers,
    }),
    ledgerAuditDifference: new Gauge({
      name: 'pitboss_ledger_audit_difference',
      help: '1 while the last run of a check of the ledger found a difference.',
      labelNames: ['check'],
      registers,
    }),
    ledgerAuditFinishedAtS: new Gauge({
      name: 'pitboss_ledger_audit_finished_timestamp_seconds',
      help: 'When an audit of the ledger last finished.',
      labelNames: ['kind'],
      registers,
    }),
    ledgerAuditDurationS: new Gauge({
      name: 'pitboss_ledger_audit_duration_seconds',
      help: 'How long the last audit of the ledger took.',
      labelNames: ['kind'],
      registers,
    }),
    withdrawalsStopped: new Gauge({
      name: 'pitboss_withdrawals_stopped',
      help: '1 while an audit has stopped withdrawals.',
      registers,
    }),
    sweepItems: new Counter({
      name: 'pitboss_sweep_items_total',
      help: 'Rows that a sweep found and handed on, or failed to.',
      labelNames: ['sweep', 'outcome'],
      registers,
    }),
    pspAttempts: new Counter({
      name: 'pitboss_psp_attempts_total',
      help: 'Payment attempts by PSP and outcome, counted from their facts.',
      labelNames: ['psp', 'outcome'],
      registers,
    }),
  };
}

const gauge = (name: string, help: string, registers: Registry[]): Gauge<'sink'> =>
  new Gauge({ name, help, labelNames: ['sink'], registers });

const counter = (name: string, help: string, registers: Registry[]): Counter<'sink'> =>
  new Counter({ name, help, labelNames: ['sink'], registers });
