/** The API process: opens what the routes need, none of it waited for, and serves until it is told to stop. */
import { once } from 'node:events';
import { createClickHouse } from '#analytics/connect.ts';
import { createGameProviders } from '#activities/games/configured-providers.ts';
import { createKeyRing } from '#activities/pam/key-ring.ts';
import { createWalletWriter } from '#activities/wallet/writer.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { openNews } from '#db/news.ts';
import { createPipelines } from '#db/pipelines.ts';
import { loadConfig, type Config } from '#workers/config.ts';
import { startHealthServer } from '#workers/health-server.ts';
import { createLogger } from '#workers/logger.ts';
import { createMetrics } from '#workers/metrics.ts';
import { watchUnreadableRules } from '#workers/payment-metrics.ts';
import { EncryptingCodec } from '#workers/payload-codec.ts';
import { runProcess, type Closing } from '#workers/process.ts';
import { createTemporalGateway } from '#workers/temporal-client.ts';
import { startTracing } from '#workers/tracing.ts';
import { createApi } from './app.ts';
import type { ApiDeps } from './context.ts';
import { probesOf, requiredProbes } from './health.ts';
import { listen } from './listen.ts';

/** Requests in flight get this long before their connections are cut. */
const drainMs = 10_000;

async function start(closing: Closing): Promise<void> {
  const config = loadConfig();
  const deps = await openDeps(config, closing);
  const api = createApi(deps);
  const server = listen(api, config.api);
  if (config.metricsPort !== undefined) {
    const { log, metrics } = deps;
    const plan = { port: config.metricsPort, metrics, log, probes: probesOf(deps), required: requiredProbes };
    const figures = startHealthServer(plan, config.metricsHost);
    closing.add(() => figures.close());
  }
  closing.add(async () => {
    const closed = once(server, 'close');
    server.close();
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    server.closeIdleConnections();
    await closed;
    clearTimeout(cut);
  });
  await once(server, 'listening');
  deps.log.info({ host: config.api.host, port: config.api.port, mode: config.mode }, 'the API is listening');
  await once(server, 'close');
}

/** Nothing here connects: an absent Temporal or ClickHouse delays no start. */
export async function openDeps(config: Config, closing: Closing): Promise<ApiDeps> {
  const log = createLogger(config, 'api');
  const metrics = createMetrics({ ofProcess: true });
  watchUnreadableRules(metrics.registry, log);
  const tracing = await startTracing(config, 'pitboss-api');
  const url = config.database.writerUrl.reveal();
  const pool = openPool({ url, applicationName: 'pitboss-api', connectionsMax: 16 });
  // Bets never wait behind a list of the back office: the writer has connections of its own, and so have the reads
  // that a wallet call needs.
  const walletPool = openPool({
    url,
    applicationName: 'pitboss-wallet',
    connectionsMax: 6,
    pipeline: true,
    byIndex: true,
  });
  const playPool = openPool({ url, applicationName: 'pitboss-play', connectionsMax: 4 });
  tracing.traceQueries(pool);
  tracing.traceQueries(walletPool);
  tracing.traceQueries(playPool);
  // Two at once in a process: a third author waits some seconds and is told to come back.
  const reportPool = openPool({
    url: config.database.readerUrl.reveal(),
    applicationName: 'pitboss-reports',
    connectionsMax: 2,
    statementTimeoutMs: 20_000,
  });
  tracing.traceQueries(reportPool);
  const db = createDatabase(pool);
  const reportDb = createDatabase(reportPool);
  const playDb = createDatabase(playPool);
  const clickhouse = createClickHouse(config, { requestTimeoutMs: 15_000 });
  const temporal = createTemporalGateway(config, log, tracing.plugin === undefined ? [] : [tracing.plugin]);
  const wallet = createWalletWriter({
    pool: walletPool,
    pipelines: createPipelines(walletPool),
    walletsCachedMax: config.walletsRemembered,
    observe: (kind, outcome, durationS) =>
      metrics.walletCommandDurationS.labels(kind, outcome).observe(durationS),
  });
  const depositNews = openNews({
    url,
    channel: 'payments_deposit',
    applicationName: 'pitboss-news',
    onLoss: (error) => log.warn({ error }, 'no news of deposits for a while'),
  });
  const payloadCodec = new EncryptingCodec(config.keys.payloadCodec.reveal());
  closing.add(async () => {
    await wallet.close();
    await Promise.allSettled([
      db.destroy(),
      playDb.destroy(),
      reportDb.destroy(),
      walletPool.end(),
      clickhouse.close(),
      temporal.close(),
      depositNews.close(),
      tracing.close(),
    ]);
  });
  const keyRing = createKeyRing({
    kek: config.keys.keyEncryption.reveal(),
    blindIndexKey: config.keys.blindIndex.reveal(),
  });
  const gameProviders = createGameProviders({ db, keyRing });
  return {
    config,
    db,
    reportDb,
    playDb,
    wallet,
    gameProviders,
    keyRing,
    clickhouse,
    temporal,
    depositNews,
    metrics,
    payloadCodec,
    log,
  };
}

if (import.meta.main) await runProcess('api', start);
