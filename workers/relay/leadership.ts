/** One relay at a time: a session lock in the database that ends with its connection, so a dead leader frees it. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';

const lockKey = 727_010;
const askMs = 500;
const beatMs = 1_000;

/**
 * Waits for leadership, runs `lead` with a signal that aborts when it is lost or `stop` aborts, and then waits again.
 * A leader that does not know yet that it was replaced does no harm: cursors move by comparison, blocks are identical.
 */
export async function leadWhilePossible(
  options: { readonly url: string; readonly log: Logger; readonly stop: AbortSignal },
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { url, log, stop } = options;
  while (!stop.aborted) {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'pitboss-relay-lock',
      query_timeout: 5_000,
      connectionTimeoutMillis: 3_000,
      keepAlive: true,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      if (await isGranted(client, stop)) await leadUntilLost(client, stop, log, lead);
    } catch (error) {
      log.warn({ error }, 'the lock of the relay could not be asked for');
    } finally {
      await client.end().catch(() => {});
    }
    await pause(askMs, stop);
  }
}

async function isGranted(client: pg.Client, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted) {
    const { rows } = await client.query<{ granted: boolean }>('select pg_try_advisory_lock($1) as granted', [
      lockKey,
    ]);
    if (rows[0]?.granted) return true;
    await pause(askMs, stop);
  }
  return false;
}

async function leadUntilLost(
  client: pg.Client,
  stop: AbortSignal,
  log: Logger,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const signal = AbortSignal.any([stop, lost.signal]);
  log.info('this relay leads');
  const led = lead(signal).finally(() => lost.abort());
  while (!signal.aborted) {
    await pause(beatMs, signal);
    await client.query('select 1').catch((error: unknown) => {
      log.warn({ error }, 'leadership was lost');
      lost.abort();
    });
  }
  await led;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {});
