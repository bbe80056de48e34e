/** The watcher's process: follows the configured chain block by block and starts a workflow for what arrived, for nothing else. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Evm } from '#activities/payments/evm/evm-deps.ts';
import { watchBlock, type WatchStep } from '#activities/payments/evm/watch-blocks.ts';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { evmOf } from './configured-chain.ts';
import { loadConfig } from './config.ts';
import { startHealthServer } from './health-server.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { runProcess, type Closing } from './process.ts';
import { tellCryptoDeposits } from './sweep-crypto.ts';
import { createTemporalGateway } from './temporal-client.ts';

export type WatcherParts = {
  readonly db: Database;
  readonly evm: Evm;
  readonly temporal: () => Promise<Client>;
  readonly log: Logger;
  /** Between two looks at a chain that has nothing new. */
  readonly pauseMs: number;
  readonly onStep?: (step: WatchStep) => void;
};

/** Two watchers do no harm: each step moves the cursor by comparison. */
export async function watchChain(parts: WatcherParts, signal: AbortSignal): Promise<void> {
  const { db, evm, log } = parts;
  let isChecked = false;
  while (!signal.aborted) {
    try {
      if (!isChecked) await evm.node.check((asset) => assets.get(asset)?.payableScale ?? -1);
      isChecked = true;
      const step = await watchBlock({ db, evm });
      parts.onStep?.(step);
      if (step.kind === 'stepped-back') log.warn({ height: step.height }, 'the chain was reorganised');
      // After the commit. A notice that is lost here is given by the sweep.
      if (step.touched.length > 0) await tellCryptoDeposits(await parts.temporal(), db, step.touched);
      if (step.kind !== 'at-head') continue;
    } catch (error) {
      log.warn({ error }, 'the chain could not be read and is asked again');
    }
    await delay(parts.pauseMs, undefined, { signal }).catch(() => {});
  }
}

async function start(closing: Closing): Promise<void> {
  const config = loadConfig();
  const log = createLogger(config, 'chain-watcher');
  const evm = evmOf(config);
  if (evm === null)
    throw new Error('No chain is configured: EVM_RPC_URL, EVM_CHAIN_ID and EVM_XPUB are not set.');
  const pool = openPool({
    url: config.database.writerUrl.reveal(),
    applicationName: 'pitboss-chain-watcher',
    connectionsMax: 4,
    statementTimeoutMs: 15_000,
  });
  const db = createDatabase(pool);
  const temporal = createTemporalGateway(config, log);
  let last: WatchStep | undefined;
  if (config.metricsPort !== undefined) {
    const server = startHealthServer(
      {
        port: config.metricsPort,
        metrics: createMetrics({ ofProcess: true }),
        log,
        probes: { database: () => sql`select 1`.execute(db), chain: () => evm.node.head() },
        required: ['database'],
        details: async () => ({ chain: evm.chain.name, height: last?.height.toString() ?? null }),
      },
      config.metricsHost,
    );
    closing.add(() => server.close());
  }
  const stop = new AbortController();
  const watching = watchChain(
    {
      db,
      evm,
      temporal,
      log,
      pauseMs: Math.min(evm.chain.blockMs / 4, 1_000),
      onStep: (step) => {
        last = step;
      },
    },
    stop.signal,
  );
  closing.add(async () => {
    stop.abort();
    await watching;
    await temporal.close();
    await db.destroy();
  });
  await watching;
}

if (import.meta.main) await runProcess('chain-watcher', start);
