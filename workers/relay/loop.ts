/** The endless errand of one sink. Every sink has a loop of its own, so that a dead one holds nobody else back. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '#db/connect.ts';
import type { Metrics } from '../metrics.ts';
import type { Block, Sink } from './block.ts';
import { completeBlock, ensureCursor, isFromAnotherCluster, measureBacklog, takeBlock } from './cursor.ts';

export type LoopDeps = {
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Told of each block once it is behind the cursor; may be told twice after a crash. */
  readonly onDelivered?: (block: Block) => void;
};

export type LoopState = { state: 'starting' | 'delivering' | 'failing' | 'stopped'; failures: number };

/** Well below the second in which a fact is to be seen in ClickHouse, and cheap: one indexed probe. */
const pollMs = 100;
const retryMsMax = 2_000;
const measureMs = 2_000;

export type Loop = { readonly sink: string; readonly state: LoopState; readonly ended: Promise<void> };

/** Starts the loop; it ends when `signal` aborts, after the block in hand. */
export function startLoop(deps: LoopDeps, sink: Sink, signal: AbortSignal): Loop {
  const state: LoopState = { state: 'starting', failures: 0 };
  const ended = Promise.all([run(deps, sink, state, signal), measure(deps, sink, signal)]).then(() => {
    state.state = 'stopped';
  });
  return { sink: sink.name, state, ended };
}

async function run(deps: LoopDeps, sink: Sink, state: LoopState, signal: AbortSignal): Promise<void> {
  const log = deps.log.child({ sink: sink.name });
  let prepared = false;
  let mayBeInFlight = true;
  while (!signal.aborted) {
    try {
      if (!prepared) {
        await prepare(deps, sink);
        prepared = true;
      }
      const delivered = await step(deps, sink, mayBeInFlight);
      mayBeInFlight = false;
      if (state.failures > 0) log.info({ failures: state.failures }, 'the sink delivers again');
      state.state = 'delivering';
      state.failures = 0;
      const full = delivered === sink.blockRowsMax;
      if (!full) await rest(delivered === 0 ? pollMs : sink.restMs, signal);
    } catch (error) {
      state.state = 'failing';
      state.failures += 1;
      prepared = false;
      mayBeInFlight = true;
      deps.metrics.relayFailures.labels(sink.name).inc();
      log.warn({ error, failures: state.failures }, 'the sink did not take its block; it is sent again');
      await rest(Math.min(retryMsMax, 100 * 2 ** Math.min(state.failures, 6)), signal);
    }
  }
}

async function prepare(deps: LoopDeps, sink: Sink): Promise<void> {
  await ensureCursor(deps.db, sink.name);
  if (await isFromAnotherCluster(deps.db, sink.name)) {
    throw new Error(
      'The outbox was restored into another cluster; see docs/runbooks/relay.md for a new epoch.',
    );
  }
  await sink.prepare?.();
}

/** Takes, sends and finishes one block; the number of facts in it. */
async function step(
  { db, metrics, onDelivered }: LoopDeps,
  sink: Sink,
  mayBeInFlight: boolean,
): Promise<number> {
  const block = await takeBlock(db, sink.name, sink.blockRowsMax, mayBeInFlight);
  if (block === null) return 0;
  await sink.deliver(block);
  await completeBlock(db, sink.name, block);
  metrics.relayDeliveredRows.labels(sink.name).inc(block.facts.length);
  onDelivered?.(block);
  return block.facts.length;
}

/** Measured beside the errand, so that a sink that hangs shows. */
async function measure({ db, metrics, log }: LoopDeps, sink: Sink, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const backlog = await measureBacklog(db, sink.name);
      metrics.relayBacklogRows.labels(sink.name).set(backlog.rows);
      metrics.relayLagS.labels(sink.name).set(backlog.lagS);
    } catch (error) {
      log.warn({ error, sink: sink.name }, 'the backlog could not be measured');
    }
    await rest(measureMs, signal);
  }
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {});
}
