/** What a bet must obey, changed by other modules through these functions only: each bumps the wallet's version. */
import type { Database, Trx } from '#db/connect.ts';
import type { Units } from '#domain/money.ts';

export type PlayLimit = {
  readonly kind: 'stake' | 'loss';
  readonly window: 'day' | 'week' | 'month';
  readonly amount: Units;
};

export type Balances = {
  readonly asset: string;
  readonly cash: Units;
  readonly bonus: Units;
  readonly held: Units;
  readonly receivable: Units;
};

/** Opens a wallet; opening it twice is harmless. */
export async function openWallet(
  _trx: Trx,
  _wallet: { playerId: string; asset: string; brand: string; jurisdiction: string },
): Promise<void> {
  throw new Error('not yet written');
}

/** Sets or lifts (null) the play brake on all wallets of a player: from the commit on, no bet is admitted. */
export async function setPlayBrake(
  _trx: Trx,
  _playerId: string,
  _brake: { until: Date | 'infinity'; reason: string } | null,
): Promise<void> {
  throw new Error('not yet written');
}

/** Replaces the stake and loss limits of a player's wallet in one asset. */
export async function setPlayLimits(_trx: Trx, _playerId: string, _asset: string, _limits: readonly PlayLimit[]): Promise<void> {
  throw new Error('not yet written');
}

/** Expires every game token issued so far: bets with them are refused from the commit on; wins still settle. */
export async function expireGameSessions(_trx: Trx, _playerId: string): Promise<void> {
  throw new Error('not yet written');
}

/** Balances of a player, read from the primary. */
export async function readBalances(_db: Database | Trx, _playerId: string): Promise<Balances[]> {
  throw new Error('not yet written');
}
