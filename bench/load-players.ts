/** Players for load: wallets opened and funded by the ledger's own functions, with a game token each. */
import { createHash, randomUUID } from 'node:crypto';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { addDecision, openPlayerBatch } from '#activities/wallet/player-batch.ts';
import { loadWallets, type Execute } from '#activities/wallet/wallet-rows.ts';
import { writeBatches } from '#activities/wallet/write-statement.ts';
import { createToken, hashToken } from '#activities/tokens.ts';
import { createDatabase, openPool, type Database } from '#db/connect.ts';
import { decide } from '#domain/wallet/decide.ts';

export type LoadPlayer = { readonly id: string; readonly token: string };

export const loadGame = { integration: 'studio', code: 'pbs_dragonvault', asset: 'EUR' };
const brand = 'aurora';
/** A million euros at ledger scale: nobody runs dry. */
const funds = 10n ** 18n;
const batchPlayers = 250;

/** Makes `count` players with funds; seconds, not minutes, since a batch of captures is one statement. */
export async function makeLoadPlayers(databaseUrl: string, count: number): Promise<readonly LoadPlayer[]> {
  const pool = openPool({
    url: databaseUrl,
    applicationName: 'pitboss-bench',
    connectionsMax: 4,
    statementTimeoutMs: 60_000,
  });
  const db = createDatabase(pool);
  const execute: Execute = async (name, text, values) =>
    (await pool.query({ name, text, values: [...values] })).rows;
  try {
    const players: LoadPlayer[] = [];
    while (players.length < count) {
      const batch = Array.from({ length: Math.min(batchPlayers, count - players.length) }, () => ({
        id: randomUUID(),
        token: createToken(),
      }));
      await openAccounts(db, batch);
      await fund(
        execute,
        batch.map(({ id }) => id),
      );
      players.push(...batch);
    }
    await pool.query('vacuum analyze wallet.player_wallet');
    await pool.query('vacuum analyze wallet.journal').catch(() => {});
    return players;
  } finally {
    await db.destroy();
  }
}

async function openAccounts(db: Database, players: readonly LoadPlayer[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const { id } of players) {
      await openWallet(trx, { playerId: id, asset: loadGame.asset, brand, jurisdiction: 'MT' });
    }
    await trx
      .insertInto('games.gameSession')
      .values(
        players.map(({ id, token }) => ({
          tokenHash: hashToken(token),
          id: randomUUID(),
          integration: loadGame.integration,
          playerId: id,
          asset: loadGame.asset,
          gameCode: loadGame.code,
          expiresAt: new Date(Date.now() + 12 * 3_600_000),
        })),
      )
      .execute();
  });
}

async function fund(execute: Execute, ids: readonly string[]): Promise<void> {
  const wallets = await loadWallets(
    execute,
    ids.map((playerId) => ({ playerId, asset: loadGame.asset })),
    false,
  );
  const nowMs = Date.now();
  const batches = [...wallets.values()].map((wallet) => {
    const { playerId, asset } = wallet.state;
    const key = { integration: 'pitboss', externalId: `deposit:${randomUUID()}:capture` };
    const command = {
      kind: 'transfer' as const,
      key,
      playerId,
      asset,
      amount: funds,
      subject: key.externalId.replace(':capture', ''),
      transfer: { code: 'deposit.capture' as const, psp: 'alpha' },
      fingerprint: createHash('sha256').update(key.externalId).digest('hex'),
    };
    const decision = decide(wallet.state, command, { nowMs, existing: null, referenced: null });
    if (decision.kind !== 'post') throw new Error(`A player for load could not be funded: ${decision.kind}.`);
    const batch = openPlayerBatch(wallet);
    addDecision(batch, command, decision, nowMs);
    return batch;
  });
  const { written } = await writeBatches(execute, batches, nowMs);
  if (written.size !== ids.length)
    throw new Error(`Only ${written.size} of ${ids.length} players were funded.`);
}
