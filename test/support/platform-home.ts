/** A home and a range of ports for a whole platform of a test's own, so that it meets no other one on the machine. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { derivePorts, isFree } from '#platform/ports.ts';
import { noteHome } from './left-processes.ts';
import { givenGround } from './run-ground.ts';

export type PlatformHome = {
  readonly path: string;
  /** For `startPlatform`: development mode on free ports, without addresses that the developer's shell may hold. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  remove(): Promise<void>;
};

/**
 * From here on Linux lends ports to outgoing connections (`ip_local_port_range`): one that was free when it was
 * looked at may be lent when its process starts a quarter of a minute later.
 */
const lowestLentPort = 32_768;

/** `lowestPort` keeps files that run one after another from meeting each other's closing sockets. */
export async function makePlatformHome(lowestPort: number): Promise<PlatformHome> {
  const path = await mkdtemp(join(tmpdir(), 'pitboss-e2e-'));
  const ground = givenGround();
  if (ground !== null) noteHome(ground.runFolder, path);
  // The database's own user must be able to enter.
  await chmod(path, 0o755);
  const {
    DATABASE_URL: _database,
    TEMPORAL_ADDRESS: _temporal,
    CLICKHOUSE_URL: _clickHouse,
    SMTP_URL: _smtp,
    KAFKA_BROKERS: _kafka,
    ...given
  } = process.env;
  return {
    path,
    environment: {
      ...given,
      PITBOSS_HOME: path,
      PORT: await findPort(lowestPort),
      PITBOSS_MODE: 'development',
      LOG_LEVEL: 'warn',
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** What `npm run verify` says of the ledger of a running platform; rejects with it where the ledger is not proven. */
export async function verifyLedger(home: string): Promise<string> {
  const run = promisify(execFile)(process.execPath, ['platform/verify.ts'], {
    env: { ...process.env, PITBOSS_HOME: home },
  });
  const { stdout } = await run.catch(({ stdout: said, stderr }: { stdout: string; stderr: string }) => {
    throw new Error(`The ledger is not proven:\n${said}${stderr}`);
  });
  return stdout;
}

/** The last words of a platform's processes, for who reads a run that failed: the home is removed behind it. */
export async function tellLastWords(home: string): Promise<void> {
  for (const name of ['worker', 'relay', 'api', 'temporal']) {
    const text = await readFile(join(home, 'logs', `${name}.log`), 'utf8').catch(() => 'no log');
    const lines = text.trimEnd().split('\n').slice(-linesTold);
    process.stdout.write(`── ${name} ──\n${lines.map((line) => line.slice(0, 400)).join('\n')}\n`);
  }
}

const linesTold = 25;

async function findPort(lowest: number): Promise<string> {
  for (let port = lowest; port < lowest + 5_000; port += 211) {
    const derived = Object.values(derivePorts(String(port)));
    if (derived.some((one) => one >= lowestLentPort)) break;
    const free = await Promise.all(derived.map(isFree));
    if (free.every(Boolean)) return String(port);
  }
  throw new Error('No free range of ports for a platform was found.');
}
