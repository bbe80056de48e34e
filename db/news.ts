/** Hears what PostgreSQL tells on a channel, for callers that wait for one row; news may be lost, so nobody may need them. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export type News = {
  /** Hears of the row from now on. `heard` never rejects, and never resolves while the database is away. */
  listen(id: string): { readonly heard: Promise<void>; stop(): void };
  close(): Promise<void>;
};

export type NewsOptions = {
  readonly url: string;
  /** An SQL identifier of ours; its notices carry ids of rows. */
  readonly channel: string;
  readonly applicationName: string;
  /** Told once per loss of the connection. */
  readonly onLoss?: (error: unknown) => void;
};

const reconnectMs = 1_000;

/** Opens one connection that only listens, in the background, and again whenever it is lost. */
export function openNews({ url, channel, applicationName, onLoss }: NewsOptions): News {
  const waiting = new Map<string, Set<() => void>>();
  const ended = new AbortController();
  let client: pg.Client | undefined;

  const tell = (id: string | undefined): void => {
    if (id !== undefined) for (const hear of waiting.get(id) ?? []) hear();
  };

  async function follow(): Promise<void> {
    while (!ended.signal.aborted) {
      const lost = Promise.withResolvers<unknown>();
      client = new pg.Client({
        connectionString: url,
        application_name: applicationName,
        connectionTimeoutMillis: 3_000,
        keepAlive: true,
      });
      client.on('error', lost.resolve);
      client.on('end', () => lost.resolve(undefined));
      client.on('notification', ({ payload }) => tell(payload));
      try {
        await client.connect();
        await client.query(`listen ${pg.escapeIdentifier(channel)}`);
        await lost.promise;
      } catch (error) {
        lost.resolve(error);
      }
      await client.end().catch(() => {});
      if (ended.signal.aborted) return;
      onLoss?.(await lost.promise);
      await delay(reconnectMs, undefined, { signal: ended.signal }).catch(() => {});
    }
  }
  const followed = follow();

  return {
    listen(id) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const hearers = waiting.get(id) ?? new Set();
      waiting.set(id, hearers.add(resolve));
      return {
        heard: promise,
        stop: () => {
          hearers.delete(resolve);
          if (hearers.size === 0) waiting.delete(id);
        },
      };
    },
    async close() {
      ended.abort();
      await client?.end().catch(() => {});
      await followed;
    },
  };
}
