/** The batch writer alone, without HTTP and signatures: what of a bet is PostgreSQL's and what is our own. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletWriter, type WalletWriter } from '#activities/wallet/writer.ts';
import { gameFingerprint } from '#activities/wallet/game-fingerprint.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import { migrateToLatest } from '#db/migrate.ts';
import type { BetCommand } from '#domain/wallet/commands.ts';
import { startPostgres } from '#platform/postgres.ts';
import { derivePorts } from '#platform/ports.ts';
import { seed } from '#workers/seed.ts';
import { Secret } from '#workers/secret.ts';
import { openAnchor } from './anchor.ts';
import { findPort, type Bench } from './bench-platform.ts';
import { loadGame, makeLoadPlayers, type LoadPlayer } from './load-players.ts';
import { processorUs } from './processor-time.ts';
import { percentile, spread } from './statistics.ts';

const players = 10_000;
const seconds = 5;
const waitingAtOnce = [64, 256];

export const writer: Bench = {
  summary: 'bets a second of the batch writer in this process, against pgbench with a single-bet function',
  run: async () => {
    const home = await mkdtemp(join(tmpdir(), 'pitboss-bench-writer-'));
    await chmod(home, 0o755);
    const server = await startPostgres({
      dir: join(home, 'postgres'),
      port: derivePorts(String(await findPort())).postgres,
      password: 'bench',
    });
    try {
      return await measure(server.url, server.pid);
    } finally {
      await server.stop();
      await rm(home, { recursive: true, force: true });
    }
  },
};

async function measure(url: string, postgres: number): Promise<readonly string[]> {
  await migrateToLatest(url, { writer: 'bench-writer', reader: 'bench-reader' });
  await seedForBets(url);
  const funded = await makeLoadPlayers(url, players);
  const anchor = await openAnchor(url);
  const pool = openPool({ url, applicationName: 'pitboss-bench-writer', connectionsMax: 4 });
  const wallet = createWalletWriter({ pool });
  const report: string[] = [];
  try {
    await place(wallet, funded, 256, { bets: players });
    for (const waiting of waitingAtOnce) {
      const anchored = await anchor.run(64, seconds);
      const before = { postgres: processorUs(postgres), own: process.cpuUsage() };
      const { tookMs, tookS } = await place(wallet, funded, waiting, { seconds });
      const own = process.cpuUsage(before.own);
      const bets = tookMs.length;
      const perS = bets / tookS;
      console.log(
        `${waiting} waiting: ${perS.toFixed(0)} bets/s, p50/p95/p99 ${spread(tookMs, 1)} ms; processor us a bet: ` +
          `PostgreSQL ${((processorUs(postgres) - before.postgres) / bets).toFixed(0)}, ` +
          `own ${((own.user + own.system) / bets).toFixed(0)}; ` +
          `anchor ${anchored.betsPerS.toFixed(0)}/s, p99 ${percentile(anchored.tookMs, 0.99).toFixed(1)} ms`,
      );
      report.push(`${waiting} waiting ÷ anchor: ${(perS / anchored.betsPerS).toFixed(2)}`);
    }
    return report;
  } finally {
    await wallet.close();
    await pool.end();
    await anchor.close();
  }
}

async function seedForBets(url: string): Promise<void> {
  const pool = openPool({ url, applicationName: 'pitboss-bench-seed', connectionsMax: 1 });
  const db = createDatabase(pool);
  await seed(db, {
    gameStudio: {
      url: 'http://127.0.0.1:1',
      studioPublicKey: 'unused',
      operatorPrivateKey: new Secret('unused'),
    },
    seed: { operators: [] },
  });
  await db.destroy();
}

async function place(
  wallet: WalletWriter,
  funded: readonly LoadPlayer[],
  waiting: number,
  until: { bets: number } | { seconds: number },
): Promise<{ tookMs: number[]; tookS: number }> {
  const tookMs: number[] = [];
  const startedAt = performance.now();
  let begun = 0;
  const goesOn = () =>
    'bets' in until ? begun < until.bets : performance.now() - startedAt < until.seconds * 1_000;
  await Promise.all(
    Array.from({ length: waiting }, async () => {
      while (goesOn()) {
        const player =
          funded['bets' in until ? begun % funded.length : Math.floor(Math.random() * funded.length)];
        begun += 1;
        if (player === undefined) throw new Error('There is nobody to bet.');
        const at = performance.now();
        const result = await wallet.submit(betOf(player.id));
        if (!result.ok) throw new Error(result.failure.code);
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
    sessionIssuedAtMs: Date.now(),
    sessionExpiresAtMs: Date.now() + 3_600_000,
    contributionBps: 10_000,
    guardMs: 30_000,
  };
}
