/** The batch writer in this process on a PostgreSQL of its own: the frame of the benches that need no HTTP. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { migrateToLatest } from '#db/migrate.ts';
import { createPipelines } from '#db/pipelines.ts';
import type { BetCommand } from '#domain/wallet/commands.ts';
import { derivePorts } from '#platform/ports.ts';
import { startPostgres } from '#platform/postgres.ts';
import { seed } from '#workers/seed.ts';
import { Secret } from '#workers/secret.ts';
import { findPort } from './bench-platform.ts';
import { loadGame } from './load-players.ts';
import { processorUs } from './processor-time.ts';

export type BareWriter = {
  readonly url: string;
  readonly wallet: WalletWriter;
  /** Microseconds of processor time so far, of the server and of this process. */
  readonly spentUs: () => { readonly postgres: number; readonly own: number };
};

type BareWriterOptions = {
  /** Of PostgreSQL. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly walletsCachedMax?: number;
};

/** Starts a durable PostgreSQL with an empty, seeded ledger, runs `work`, and removes everything. */
export async function onBareWriter<T>(
  work: (bare: BareWriter) => Promise<T>,
  { settings = {}, walletsCachedMax }: BareWriterOptions = {},
): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'pitboss-bench-writer-'));
  // The database's own user must be able to enter.
  await chmod(home, 0o755);
  const { postgres: port } = derivePorts(String(await findPort()));
  const server = await startPostgres({ dir: join(home, 'postgres'), port, password: 'bench', settings });
  try {
    await migrateToLatest(server.url, { writer: 'bench-writer', reader: 'bench-reader' });
    await seedForBets(server.url);
    const pool = openPool({
      url: server.url,
      applicationName: 'pitboss-bench-writer',
      connectionsMax: 6,
      pipeline: true,
      byIndex: true,
    });
    const wallet = createWalletWriter({
      pool,
      pipelines: createPipelines(pool),
      ...(walletsCachedMax === undefined ? {} : { walletsCachedMax }),
    });
    const spentUs = () => {
      const { user, system } = process.cpuUsage();
      return { postgres: processorUs(server.pid), own: user + system };
    };
    try {
      return await work({ url: server.url, wallet, spentUs });
    } finally {
      await wallet.close();
      await pool.end();
    }
  } finally {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  }
}

const randomKey = () => new Secret(randomBytes(32));

async function seedForBets(url: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const db = createDatabase(openPool({ url, applicationName: 'pitboss-bench-seed', connectionsMax: 1 }));
  await seed(db, {
    gameStudio: {
      url: 'http://127.0.0.1:1',
      studioPublicKey: publicKey,
      operatorPrivateKey: new Secret(privateKey),
      a8rTokens: { v1: undefined, v2: undefined },
    },
    seed: { operators: [] },
    keys: { keyEncryption: randomKey(), blindIndex: randomKey(), payloadCodec: randomKey() },
  });
  await db.destroy();
}

/** Places bets with so many waiting at once, of everybody in turn or of anybody at random, and fails on a refusal. */
export async function placeBets(
  wallet: WalletWriter,
  players: readonly string[],
  waiting: number,
  until: { readonly bets: number } | { readonly seconds: number },
): Promise<{ readonly tookMs: readonly number[]; readonly tookS: number }> {
  const tookMs: number[] = [];
  const startedAt = performance.now();
  let begun = 0;
  const goesOn = () =>
    'bets' in until ? begun < until.bets : performance.now() - startedAt < until.seconds * 1_000;
  const next = (): string | undefined =>
    players['bets' in until ? begun % players.length : Math.floor(Math.random() * players.length)];
  await Promise.all(
    Array.from({ length: waiting }, async () => {
      while (goesOn()) {
        const player = next();
        begun += 1;
        if (player === undefined) throw new Error('There is nobody to bet.');
        const at = performance.now();
        const result = await wallet.submit(betOf(player));
        if (!result.ok) throw new Error(`A bet of the load was refused: ${result.failure.code}`);
        tookMs.push(performance.now() - at);
      }
    }),
  );
  return { tookMs, tookS: (performance.now() - startedAt) / 1_000 };
}

function betOf(playerId: string): BetCommand {
  const { code: game, asset, integration } = loadGame;
  const round = randomUUID();
  const amount = 10n ** 10n;
  const nowMs = Date.now();
  return {
    kind: 'bet',
    key: { integration, externalId: randomUUID() },
    playerId,
    asset,
    game,
    round,
    roundClosed: true,
    fingerprint: gameFingerprint({ kind: 'bet', playerId, game, round, asset, amount, reference: null }),
    amount,
    sessionIssuedAtMs: nowMs,
    sessionExpiresAtMs: nowMs + 3_600_000,
    contributionBps: 10_000,
    guardMs: 30_000,
  };
}
