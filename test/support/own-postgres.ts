/** A PostgreSQL of one test's own, durable and migrated, that the test may stop as if the power went, and start again. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateToLatest } from '#db/migrate.ts';
import { startPostgres, type PostgresServer } from '#platform/postgres.ts';
import { isAlive, signalQuietly, waitForExit } from '#platform/process-identity.ts';
import { freePort } from './ports.ts';
import { rolePasswords } from './postgres-server.ts';

export type OwnPostgres = {
  readonly url: string;
  readonly writerUrl: string;
  readonly readerUrl: string;
  /** Every server process ends at once, nothing is flushed: `pg_ctl stop -m immediate`. */
  stopAtOnce(): Promise<void>;
  /** The postmaster alone is killed; its children notice by themselves. */
  kill9(): Promise<void>;
  /** Recovers from the log; resolves when connections are taken. */
  startAgain(): Promise<void>;
  remove(): Promise<void>;
};

const goneTimeoutMs = 20_000;

/** Starts it with full durability: what a commit has promised is on disk. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'pitboss-own-postgres-'));
  const options = {
    dir: join(folder, 'data'),
    port: await freePort(),
    password: 'owner',
    logFile: join(folder, 'postgres.log'),
    durability: 'full',
  } as const;
  let server: PostgresServer = await startPostgres(options);
  const onExit = () => signalQuietly(server.pid, 'SIGQUIT');
  process.once('exit', onExit);
  await migrateToLatest(server.url, rolePasswords);
  return {
    url: server.url,
    writerUrl: asRole(server.url, 'pitboss_writer', rolePasswords.writer),
    readerUrl: asRole(server.url, 'pitboss_reader', rolePasswords.reader),
    stopAtOnce: () => server.stop('immediate'),
    async kill9() {
      const children = childrenOf(server.pid);
      signalQuietly(server.pid, 'SIGKILL');
      await waitForExit(server.pid, goneTimeoutMs);
      // A new server may not meet the old one's children at the same data.
      for (const child of children) await waitForExit(child, goneTimeoutMs);
      if (children.some((child) => isAlive(child)))
        throw new Error('Processes of the killed server live on.');
    },
    async startAgain() {
      server = await startPostgres(options);
    },
    async remove() {
      process.off('exit', onExit);
      await server.stop('immediate');
      rmSync(server.dataDir, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function childrenOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []));
}

function asRole(url: string, role: string, password: string): string {
  const target = new URL(url);
  target.username = role;
  target.password = password;
  return target.href;
}
