/** A platform that lives for one benchmark: a new home, free ports, gone without a trace at the end. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatform, type Platform } from '#platform/platform.ts';
import { derivePorts, isFree } from '#platform/ports.ts';

export type Bench = {
  readonly summary: string;
  /** Lines to print last: each ratio and what it should be. */
  readonly run: (args: readonly string[]) => Promise<readonly string[]>;
};

const portFirst = 20_700;
const portLast = 21_400;
const externalAddresses = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL', 'SMTP_URL', 'KAFKA_BROKERS'];

/** Starts the whole platform, runs `work`, and removes everything whatever happened. */
export async function onPlatform<T>(work: (platform: Platform) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'pitboss-bench-'));
  // The database's own user must be able to enter.
  await chmod(home, 0o755);
  const given = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !externalAddresses.includes(name)),
  );
  const environment = {
    ...given,
    PITBOSS_HOME: home,
    PORT: String(await findPort()),
    PITBOSS_MODE: 'development',
    LOG_LEVEL: 'warn',
  };
  try {
    const platform = await startPlatform({ environment, tell: (line) => console.log(line) });
    const leave = async () => {
      await platform.stop();
      await rm(home, { recursive: true, force: true });
      process.exit(130);
    };
    const stop = () => void leave();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
      return await work(platform);
    } finally {
      await platform.stop();
      process.off('SIGINT', stop).off('SIGTERM', stop);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** A value of PORT with all that is derived from it free, and the next one, too. */
export async function findPort(): Promise<number> {
  for (let port = portFirst; port <= portLast; port += 37) {
    // The port after the API's is for a second API process.
    const free = await Promise.all([...Object.values(derivePorts(String(port))), port + 1].map(isFree));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`No free range of ports from ${portFirst} to ${portLast} was found.`);
}
