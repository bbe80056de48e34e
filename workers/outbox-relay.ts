/** The relay process: carries every committed fact to ClickHouse, Temporal and Kafka, and runs the sweeps. */
import type { Logger } from 'pino';
import { sql } from 'kysely';
import { createClickHouse } from '#analytics/connect.ts';
import { migrateAnalytics } from '#analytics/migrate.ts';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import { loadConfig, type Config } from './config.ts';
import { startHealthServer } from './health-server.ts';
import { runAudits } from './ledger-audit.ts';
import { ledgerSigner, ledgerWitness, signCheckpoints } from './ledger-checkpoints.ts';
import { createLogger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { runProcess, type Closing } from './process.ts';
import { isFactOf, type Block, type Sink } from './relay/block.ts';
import { createClickHouseSink } from './relay/clickhouse-sink.ts';
import { createKafkaSink } from './relay/kafka-sink.ts';
import { createLedgerLogSink } from './relay/ledger-log-sink.ts';
import { leadWhilePossible } from './relay/leadership.ts';
import { startLoop, type Loop } from './relay/loop.ts';
import { createTemporalSink } from './relay/temporal-sink.ts';
import { showFraudToSales } from './payment-metrics.ts';
import { showMissingResults } from './missing-result-metrics.ts';
import { showRuleReviews } from './rule-review-metrics.ts';
import { runSweeps } from './sweeps.ts';
import { createTemporalGateway, type TemporalGateway } from './temporal-client.ts';
import { startTracing } from './tracing.ts';

export type RelayParts = {
  readonly config: Config;
  readonly db: Database;
  readonly temporal: TemporalGateway;
  readonly metrics: Metrics;
  readonly log: Logger;
};

/** ClickHouse, Temporal and the ledger's log always, Kafka when brokers are configured. */
export function createSinks({ config, db, temporal, log }: RelayParts): Sink[] {
  return [
    createClickHouseSink(createClickHouse(config, { requestTimeoutMs: 30_000 }), () =>
      migrateAnalytics(config),
    ),
    createTemporalSink({ db, log, temporal }),
    createLedgerLogSink(db),
    ...(config.kafka.brokers.length === 0 ? [] : [createKafkaSink(config.kafka.brokers)]),
  ];
}

async function start(closing: Closing): Promise<void> {
  const config = loadConfig();
  const log = createLogger(config, 'relay');
  const metrics = createMetrics({ ofProcess: true });
  const signer = ledgerSigner(config);
  if (signer === undefined) log.warn('LEDGER_SIGNING_KEY is not set: no checkpoint of the ledger is signed');
  const tracing = await startTracing(config, 'pitboss-relay');
  const url = config.database.writerUrl.reveal();
  const pool = openPool({
    url,
    applicationName: 'pitboss-relay',
    connectionsMax: 8,
    statementTimeoutMs: 15_000,
  });
  const db = createDatabase(pool);
  const temporal = createTemporalGateway(config, log, tracing.plugin === undefined ? [] : [tracing.plugin]);
  const parts = { config, db, temporal, metrics, log };
  const sinks = createSinks(parts);
  const auditClickHouse = createClickHouse(config, { requestTimeoutMs: 30_000 });
  const stop = new AbortController();
  showFraudToSales(metrics.registry, db);
  showRuleReviews(metrics.registry, db);
  showMissingResults(metrics.registry, db);
  let loops: readonly Loop[] = [];
  if (config.metricsPort !== undefined) {
    const server = startHealthServer(
      {
        port: config.metricsPort,
        metrics,
        log,
        probes: { database: () => sql`select 1`.execute(db), ...probesOf(() => loops, sinks) },
        required: ['database'],
        details: async () => ({
          leads: loops.length > 0,
          sinks: loops.map(({ sink, state }) => ({ sink, ...state })),
        }),
      },
      config.metricsHost,
    );
    closing.add(() => server.close());
  }
  const led = leadWhilePossible({ url, log, stop: stop.signal }, async (signal) => {
    loops = sinks.map((sink) => startLoop({ db, log, metrics, ...observer(sink, metrics) }, sink, signal));
    await Promise.all([
      ...loops.map(({ ended }) => ended),
      runSweeps(parts, signal),
      runAudits({ ...parts, clickhouse: auditClickHouse }, signal),
      ...(signer === undefined
        ? []
        : [signCheckpoints({ db, signer, witness: ledgerWitness(config), metrics, log }, signal)]),
    ]);
    loops = [];
  });
  closing.add(async () => {
    stop.abort();
    await led;
    await Promise.allSettled([
      ...sinks.map(async (sink) => sink.close?.()),
      auditClickHouse.close(),
      temporal.close(),
      tracing.close(),
    ]);
    await db.destroy();
  });
  await led;
}

/** A standby has no loops and counts as well: it waits for its turn. */
const probesOf = (loops: () => readonly Loop[], sinks: readonly Sink[]) =>
  Object.fromEntries(
    sinks.map(({ name }) => [
      name,
      async () => {
        if (loops().some(({ sink, state }) => sink === name && state.state === 'failing'))
          throw new Error('failing');
      },
    ]),
  );

/** Payment attempts are counted from their facts, once per fact, where every fact passes. */
const observer = (sink: Sink, metrics: Metrics): { onDelivered?: (block: Block) => void } =>
  sink.name !== 'clickhouse'
    ? {}
    : {
        onDelivered: ({ facts }) => {
          for (const fact of facts) {
            if (isFactOf(fact, 'payments.attempt.resolved'))
              metrics.pspAttempts.labels(fact.payload.psp, fact.payload.outcome).inc();
          }
        },
      };

if (import.meta.main) await runProcess('relay', start);
