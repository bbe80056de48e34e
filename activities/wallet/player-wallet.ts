/** What a bet must obey, changed by other modules through these functions only: each bumps the wallet's version. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { Units } from '#domain/money.ts';
import type { PlayLimit } from '#domain/wallet/state.ts';

export type Balances = {
  readonly asset: string;
  readonly cash: Units;
  readonly bonus: Units;
  readonly held: Units;
  readonly receivable: Units;
};

export type NewWallet = {
  readonly playerId: string;
  readonly asset: string;
  readonly brand: string;
  readonly jurisdiction: string;
};

/**
 * Locks the player's wallets until `trx` ends. Who sets a brake and who opens a wallet take turns by it: an exclusion that
 * commits while a wallet is being opened would otherwise miss it, and the wallet the exclusion. What decides about a brake
 * reads after it.
 */
export async function lockWallets(trx: Trx, playerId: string): Promise<void> {
  await trx
    .selectFrom('wallet.playerWallet')
    .select('asset')
    .where('playerId', '=', playerId)
    .orderBy('asset')
    .forUpdate()
    .execute();
}

/** Opens a wallet; opening it twice is harmless. A brake on the player's other wallets holds for the new one, too. */
export async function openWallet(trx: Trx, wallet: NewWallet): Promise<void> {
  await lockWallets(trx, wallet.playerId);
  await trx
    .insertInto('wallet.playerWallet')
    .values(wallet)
    .onConflict((oc) => oc.doNothing())
    .execute();
  await sql`
    update wallet.player_wallet w set play_blocked_until = b.play_blocked_until, play_block_reason = b.play_block_reason,
      version = w.version + 1
    from (
      select play_blocked_until, play_block_reason from wallet.player_wallet
      where player_id = ${wallet.playerId} and asset <> ${wallet.asset} and play_blocked_until > now()
      order by play_blocked_until desc limit 1
    ) b
    where w.player_id = ${wallet.playerId} and w.asset = ${wallet.asset} and w.play_blocked_until is null`.execute(
    trx,
  );
}

/** Sets or lifts (null) the play brake on all wallets of a player: from the commit on, no bet is admitted. */
export async function setPlayBrake(
  trx: Trx,
  playerId: string,
  brake: { readonly until: Date | 'infinity'; readonly reason: string } | null,
): Promise<void> {
  // A statement of its own: one that has waited for a lock does not see the wallet that was opened meanwhile.
  await lockWallets(trx, playerId);
  await trx
    .updateTable('wallet.playerWallet')
    .set({
      playBlockedUntil: brake ? (brake.until === 'infinity' ? sql`'infinity'` : brake.until) : null,
      playBlockReason: brake?.reason ?? null,
      version: sql`version + 1`,
    })
    .where('playerId', '=', playerId)
    .execute();
}

/** Replaces the stake and loss limits of a player's wallet in one asset. */
export async function setPlayLimits(
  trx: Trx,
  playerId: string,
  asset: string,
  limits: readonly PlayLimit[],
): Promise<void> {
  const rows = limits.map((limit) => ({
    kind: limit.kind,
    window: limit.window,
    amount: limit.amount.toString(),
  }));
  await trx
    .updateTable('wallet.playerWallet')
    .set({ playLimits: JSON.stringify(rows), version: sql`version + 1` })
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .execute();
}

/** Sets or lifts (null) the largest single stake of a player's wallet; from the commit on, no larger bet is admitted. */
export async function setStakeMax(
  trx: Trx,
  playerId: string,
  asset: string,
  stakeMax: Units | null,
): Promise<void> {
  await trx
    .updateTable('wallet.playerWallet')
    .set({ stakeMax: stakeMax?.toString() ?? null, version: sql`version + 1` })
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .execute();
}

/** Expires every game token issued so far: bets with them are refused from the commit on; wins still settle. */
export async function expireGameSessions(trx: Trx, playerId: string): Promise<void> {
  await trx
    .updateTable('wallet.playerWallet')
    .set({ sessionsValidFrom: sql`clock_timestamp()`, version: sql`version + 1` })
    .where('playerId', '=', playerId)
    .execute();
}

/** Balances of a player, read from the primary. */
export async function readBalances(db: Database | Trx, playerId: string): Promise<Balances[]> {
  const rows = await db
    .selectFrom('wallet.playerWallet')
    .select(['asset', 'cash', 'bonus', 'held', 'receivable'])
    .where('playerId', '=', playerId)
    .orderBy('asset')
    .execute();
  return rows.map((row) => ({
    asset: row.asset,
    cash: BigInt(row.cash),
    bonus: BigInt(row.bonus),
    held: BigInt(row.held),
    receivable: BigInt(row.receivable),
  }));
}
