/** A worker process: `node workers/main.ts money play …` serves the named task queues, without names all of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection, Worker, type InjectedSinks } from '@temporalio/worker';
import type { Logger } from 'pino';
import { sql } from 'kysely';
import { createClickHouse } from '#analytics/connect.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { taskQueues, type TaskQueue } from '#domain/task-queues.ts';
import { registerSearchAttributes } from '#platform/temporal.ts';
import { createActivityDeps } from './activity-deps.ts';
import { readWorkflowBundle } from './bundle-on-disk.ts';
import { loadConfig, type Config } from './config.ts';
import { deploymentOptions, setCurrentVersion } from './deployment.ts';
import { startHealthServer } from './health-server.ts';
import { countOutcomes, translateFailures } from './interceptors.ts';
import { createLogger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createDataConverter } from './payload-codec.ts';
import { runProcess, type Closing } from './process.ts';
import { showBreakers, watchUnreadableRules } from './payment-metrics.ts';
import { planQueues, type QueuePlan } from './queues.ts';
import { installTemporalRuntime } from './temporal-runtime.ts';
import { startTracing, type Tracing } from './tracing.ts';

type Frame = {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly connection: NativeConnection;
  readonly bundle: { readonly codePath: string; readonly buildId: string };
};

const shutdownGraceTimeMs = 10_000;
const isTaskQueue = (name: string): name is TaskQueue => Object.values<string>(taskQueues).includes(name);

/** The queues named on the command line; throws on a name that is none. */
export function queuesOf(names: readonly string[]): readonly TaskQueue[] {
  const unknown = names.filter((name) => !isTaskQueue(name));
  if (unknown.length > 0) {
    throw new Error(
      `There is no task queue ${unknown.join(', ')}; there are ${Object.values(taskQueues).join(', ')}.`,
    );
  }
  return names.length === 0 ? Object.values(taskQueues) : names.filter(isTaskQueue);
}

async function start(closing: Closing): Promise<void> {
  const queues = queuesOf(process.argv.slice(2));
  const config = loadConfig();
  const log = createLogger(config, 'worker');
  const { codePath, buildId: bundleId } = await readWorkflowBundle();
  const bundle = { codePath, buildId: config.workerBuildId ?? bundleId };
  const metrics = createMetrics({ ofProcess: true });
  const tracing = await startTracing(config, 'pitboss-worker');
  installTemporalRuntime(config, log);
  const pool = openPool({
    url: config.database.writerUrl.reveal(),
    applicationName: 'pitboss-worker',
    connectionsMax: 16,
  });
  tracing.traceQueries(pool);
  const db = createDatabase(pool);
  const clickhouse = createClickHouse(config);
  let polling = false;
  const probes = {
    database: () => sql`select 1`.execute(db),
    temporal: async () => {
      if (!polling) throw new Error('not polling yet');
    },
  };
  if (config.metricsPort !== undefined) {
    const server = startHealthServer(
      { port: config.metricsPort, metrics, log, probes, required: ['temporal'] },
      config.metricsHost,
    );
    closing.add(() => server.close());
  }
  const connection = await connect(config, log, closing);
  const frame = { config, log, metrics, tracing, connection, bundle };
  const deps = createActivityDeps({ config, db, clickhouse, log });
  showBreakers(metrics.registry, deps.breakers);
  watchUnreadableRules(metrics.registry, log);
  const plans = planQueues(deps);
  const workers = await Promise.all(queues.map((queue) => createWorker(frame, queue, plans[queue])));
  const runs = workers.map((worker) => worker.run());
  polling = true;
  log.info({ queues, buildId: bundle.buildId }, 'workers are polling');
  closing.add(async () => {
    polling = false;
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(runs);
    await connection.close();
    await Promise.allSettled([db.destroy(), clickhouse.close(), tracing.close()]);
  });
  if (config.mode !== 'production') void makeCurrent(frame, closing);
  await Promise.all(runs);
}

/** Temporal may come up after its workers: they wait for it and say so. */
async function connect(config: Config, log: Logger, closing: Closing): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const connection = await NativeConnection.connect({
        address: config.temporal.address,
        grpcCompression: { codec: 'none' },
      });
      await registerSearchAttributes(connection, config.temporal.namespace);
      return connection;
    } catch (error) {
      if (closing.started) throw error;
      log.warn({ error, attempt }, 'Temporal cannot be reached yet');
      await delay(Math.min(5_000, 250 * 2 ** Math.min(attempt, 5)));
    }
  }
}

function createWorker(frame: Frame, taskQueue: TaskQueue, plan: QueuePlan): Promise<Worker> {
  const { config, metrics, tracing, connection, bundle } = frame;
  return Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue,
    identity: `worker-${process.pid}@${taskQueue}`,
    activities: plan.activities,
    maxConcurrentActivityTaskExecutions: plan.activitiesMax,
    ...(plan.workflowTasksMax === 0
      ? {}
      : {
          workflowBundle: { codePath: bundle.codePath },
          maxConcurrentWorkflowTaskExecutions: plan.workflowTasksMax,
          maxCachedWorkflows: 1_000,
        }),
    workerDeploymentOptions: deploymentOptions(config, bundle.buildId),
    dataConverter: createDataConverter(config.keys.payloadCodec.reveal()),
    interceptors: { activity: [translateFailures] },
    sinks: { ...unheardSpans, ...countOutcomes(metrics) },
    shutdownGraceTime: shutdownGraceTimeMs,
    shutdownForceTime: shutdownGraceTimeMs + 5_000,
    plugins: tracing.plugin === undefined ? [] : [tracing.plugin],
  });
}

/** The bundle always offers spans; without tracing they end here. The tracing plugin puts its own in this place. */
const unheardSpans: InjectedSinks<{ exporter: { export(): void } }> = {
  exporter: { export: { fn: () => {}, callDuringReplay: false } },
};

/** In production the deploy decides; in development the newest build is the one to run. */
async function makeCurrent({ config, log, connection, bundle }: Frame, closing: Closing): Promise<void> {
  for (let attempt = 1; !closing.started; attempt += 1) {
    try {
      await setCurrentVersion(connection, config.temporal.namespace, bundle.buildId);
      log.info({ buildId: bundle.buildId }, 'this build is the current version');
      return;
    } catch (error) {
      if (attempt % 20 === 0) log.warn({ error, attempt }, 'this build is not the current version yet');
      await delay(250);
    }
  }
}

if (import.meta.main) await runProcess('worker', start);
