/** API processes on one database with the studio's four integrations and players with money: the wallet as providers meet it. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { openGameSession } from '#activities/games/commands/game-sessions.ts';
import { verifyLedger } from '#activities/wallet/verify.ts';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import { orThrow } from '#domain/failures.ts';
import { programPath } from '#platform/joined-programs.ts';
import { loadConfig } from '#workers/config.ts';
import { seed } from '#workers/seed.ts';
import { makeDeposit, makePlayer } from './factories.ts';
import { freePorts } from './ports.ts';
import { answersOk, startProcess, type TestProcess } from './processes.ts';

export type RigKeys = {
  readonly studioPrivateKey: string;
  readonly studioPublicKey: string;
  readonly operatorPrivateKey: string;
  readonly operatorPublicKey: string;
  readonly a8rV2Token: string;
  readonly a8rV1Token: string;
};

export type RigPlayer = {
  readonly id: string;
  /** Game tokens, by integration. */
  readonly tokens: Readonly<Record<'studio' | 'studio-caleta', string>>;
};

export type RigApi = {
  readonly url: string;
  /** As if the machine lost it. */
  kill9(): Promise<void>;
  /** On the same port; resolves when it answers. */
  startAgain(): Promise<void>;
  /** What it said when it has ended by itself; null while it runs. */
  lastWords(): string | null;
};

export type WalletRig = {
  readonly db: Database;
  readonly keys: RigKeys;
  readonly apis: readonly RigApi[];
  /** A player of the first brand with that many ledger units on his cash account. */
  fundedPlayer(units: bigint): Promise<RigPlayer>;
  /** Findings of every check; empty when the ledger is proven. */
  unproven(): Promise<readonly string[]>;
  close(): Promise<void>;
};

/** Half a dozen seconds on a machine with nothing else to do; a busy one takes its time. */
const readyTimeoutMs = 120_000;

type DatabaseUrls = { readonly writerUrl: string; readonly readerUrl: string };
type RigOptions = { readonly apis: number; readonly studioUrl?: string };

/** Starts the processes; the database has to be migrated and empty. */
export async function startWalletRig(database: DatabaseUrls, options: RigOptions): Promise<WalletRig> {
  const keys = makeKeys();
  const environment = environmentOf(database, keys, options.studioUrl ?? 'http://127.0.0.1:1');
  const pool = openPool({ url: database.writerUrl, applicationName: 'pitboss-rig', connectionsMax: 4 });
  const db = createDatabase(pool);
  await seed(db, loadConfig(environment));
  const ports = await freePorts(options.apis);
  const apis = await Promise.all(ports.map((port) => startApi(port, environment)));
  return {
    db,
    keys,
    apis,
    fundedPlayer: (units) => makeFundedPlayer(db, units),
    unproven: async () =>
      (await verifyLedger(db)).flatMap(({ name, findings }) => findings.map((one) => `${name}: ${one}`)),
    async close() {
      const ended = apis.flatMap((api) => api.lastWords() ?? []);
      await Promise.all(apis.map((api) => api.kill9()));
      await db.destroy();
      if (ended.length > 0) throw new Error(`An API ended by itself:\n${ended.join('\n')}`);
    },
  };
}

function makeKeys(): RigKeys {
  const pair = () =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  const studio = pair();
  const operator = pair();
  return {
    studioPrivateKey: studio.privateKey,
    studioPublicKey: studio.publicKey,
    operatorPrivateKey: operator.privateKey,
    operatorPublicKey: operator.publicKey,
    a8rV2Token: randomBytes(24).toString('hex'),
    a8rV1Token: randomBytes(24).toString('hex'),
  };
}

function environmentOf(database: DatabaseUrls, keys: RigKeys, studioUrl: string): Record<string, string> {
  const key = () => randomBytes(32).toString('base64');
  return {
    PITBOSS_MODE: 'test',
    DATABASE_WRITER_URL: database.writerUrl,
    DATABASE_READER_URL: database.readerUrl,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    CLICKHOUSE_URL: 'http://nobody:nobody@127.0.0.1:1',
    KEY_ENCRYPTION_KEY: key(),
    BLIND_INDEX_KEY: key(),
    PAYLOAD_CODEC_KEY: key(),
    GAME_STUDIO_URL: studioUrl,
    HUB88_PRIVATE_KEY: keys.operatorPrivateKey,
    GAME_STUDIO_PUBLIC_KEY: keys.studioPublicKey,
    A8R_V2_AUTH_TOKEN: keys.a8rV2Token,
    A8R_V1_AUTH_TOKEN: keys.a8rV1Token,
    LOG_LEVEL: 'error',
  };
}

async function startApi(port: number, environment: Readonly<Record<string, string>>): Promise<RigApi> {
  const url = `http://127.0.0.1:${port}`;
  const start = (): Promise<TestProcess> =>
    startProcess({
      args: [programPath('api/main.ts')],
      env: { ...environment, PORT: String(port) },
      isReady: () => answersOk(`${url}/readyz`),
      readyTimeoutMs,
    });
  let running = await start();
  return {
    url,
    lastWords: () =>
      running.isRunning() ? null : `exit code ${running.exitCode()}: ${running.output().slice(-4_000)}`,
    kill9: () => running.kill9(),
    async startAgain() {
      running = await start();
    },
  };
}

async function makeFundedPlayer(db: Database, units: bigint): Promise<RigPlayer> {
  const player = await makePlayer(db);
  await makeDeposit(db, player, units);
  const { id } = player;
  const open = async (integration: string) => {
    const opened = await openGameSession(db, {
      playerId: id,
      playerSessionId: randomUUID(),
      brand: 'aurora',
      integration,
      game: 'pbs_dragonvault',
      asset: 'EUR',
    });
    return orThrow(opened).token;
  };
  return { id, tokens: { studio: await open('studio'), 'studio-caleta': await open('studio-caleta') } };
}
