/** Orders free rounds and takes them back: rows and facts here, the provider is asked by the workflow that follows them. */
import { sql } from 'kysely';
import { appendEvent, type Actor } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { isWalletDialect } from '#domain/games/dialects.ts';
import { checkFreeRounds } from '#domain/games/free-rounds.ts';
import type { Units } from '#domain/money.ts';

/** What bonus money that free rounds win must obey. */
export type WinningsTerms = {
  readonly wageringTimes: number;
  /** Largest stake while wagering, in units at ledger scale. */
  readonly betMax: Units | null;
  readonly days: number;
};

export type OrderFreeRounds = {
  readonly id: string;
  readonly playerId: string;
  readonly brand: string;
  readonly asset: string;
  readonly integration: string;
  readonly games: readonly [string, ...string[]];
  readonly count: number;
  /** Decimal text; null leaves the stake to the provider's offer. */
  readonly betValue: string | null;
  readonly days: number;
  readonly prepaidId: string | null;
  readonly campaignId: string | null;
  /** Null pays winnings as real money. */
  readonly winnings: WinningsTerms | null;
  readonly operatorId: string;
  readonly reason: string;
  readonly fingerprint: Buffer;
};

export type OrderedFreeRounds = { readonly id: string; readonly state: string; readonly validUntil: Date };

/**
 * Failures: `idempotency-key-reused`, `unknown-game` (not playable, of another brand, or without free rounds),
 * `wallet-not-found`, `self-excluded`, `player-blocked`, and those of `checkFreeRounds`.
 */
export async function orderFreeRounds(
  db: Database,
  order: OrderFreeRounds,
): Promise<Result<OrderedFreeRounds>> {
  return db.transaction().execute(async (trx) => {
    const known = await readOrdered(trx, order);
    if (known) return known;
    const dialect = await dialectOf(trx, order);
    if (!dialect.ok) return dialect;
    const betValue = checkFreeRounds(dialect.value, order);
    if (!betValue.ok) return betValue;
    const player = await mayReceive(trx, order);
    if (!player.ok) return player;
    const made = await trx
      .insertInto('games.freeRoundIssue')
      .values({
        id: order.id,
        integration: order.integration,
        issueId: order.id,
        playerId: order.playerId,
        brand: order.brand,
        asset: order.asset,
        gameCode: order.games[0],
        gameCodes: [...order.games],
        state: 'requested',
        roundCount: order.count,
        betValue: betValue.value?.toString() ?? null,
        validUntil: sql<Date>`date_trunc('second', now() + make_interval(days => ${order.days}))`,
        prepaidId: order.prepaidId,
        campaignId: order.campaignId,
        wageringTimes: order.winnings?.wageringTimes ?? null,
        betMax: order.winnings?.betMax?.toString() ?? null,
        ...(order.winnings === null ? {} : { awardDays: order.winnings.days }),
        requestedBy: order.operatorId,
        reason: order.reason,
        fingerprint: order.fingerprint,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('validUntil')
      .executeTakeFirst();
    // Two calls with one key at once: the other has made the row, and committed it by now.
    const other = made ? null : await readOrdered(trx, order);
    if (other) return other;
    const validUntil = made?.validUntil ?? new Date(0);
    await appendEvent(
      trx,
      {
        type: 'games.free-rounds.requested',
        version: 1,
        brand: order.brand,
        playerId: order.playerId,
        payload: {
          freeRoundsId: order.id,
          integration: order.integration,
          playerId: order.playerId,
          games: [...order.games],
          count: order.count,
          validUntil: validUntil.toISOString(),
        },
      },
      {
        actor: { kind: 'operator', id: order.operatorId },
        subject: `free-rounds:${order.id}`,
        reason: order.reason,
      },
    );
    return succeed({ id: order.id, state: 'requested', validUntil });
  });
}

async function readOrdered(
  trx: Trx,
  { id, fingerprint }: OrderFreeRounds,
): Promise<Result<OrderedFreeRounds> | null> {
  const known = await trx
    .selectFrom('games.freeRoundIssue')
    .select(['id', 'state', 'validUntil', 'fingerprint'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!known) return null;
  return known.fingerprint?.equals(fingerprint) && known.validUntil
    ? succeed({ id: known.id, state: known.state, validUntil: known.validUntil })
    : fail('idempotency-key-reused', 'The key was used for other free rounds.');
}

async function dialectOf(trx: Trx, { integration, brand, games }: OrderFreeRounds) {
  const noGame = fail('unknown-game', 'Not all of these games can be given free rounds in.');
  const owner = await trx
    .selectFrom('games.integration')
    .select('dialect')
    .where('id', '=', integration)
    .where('brand', '=', brand)
    .where('enabled', '=', true)
    .executeTakeFirst();
  if (!owner || !isWalletDialect(owner.dialect)) return noGame;
  const found = await trx
    .selectFrom('games.game')
    .select('code')
    .where('integration', '=', integration)
    .where('code', 'in', [...games])
    .where('playable', '=', true)
    .where(sql<boolean>`has_free_rounds is not false`)
    .execute();
  return found.length === new Set(games).size ? succeed(owner.dialect) : noGame;
}

/** Nobody who may not play is sent an invitation to play: asked when rounds are ordered, and again when they are issued. */
export async function mayReceive(
  db: Database | Trx,
  { playerId, asset, brand }: Pick<OrderFreeRounds, 'playerId' | 'asset' | 'brand'>,
): Promise<Result<void>> {
  const wallet = await db
    .selectFrom('wallet.playerWallet')
    .select(['playBlockReason', sql<boolean>`coalesce(play_blocked_until > now(), false)`.as('isBlocked')])
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .where('brand', '=', brand)
    .executeTakeFirst();
  if (!wallet) return fail('wallet-not-found', `The player has no ${asset} wallet.`);
  if (!wallet.isBlocked) return succeed(undefined);
  return fail(
    wallet.playBlockReason === 'self-exclusion' ? 'self-excluded' : 'player-blocked',
    'The player may not play now.',
  );
}

/**
 * Asks for the rounds back; whether the player has claimed them the provider decides, and the state tells.
 * Failures: `not-found`, `free-rounds-not-cancellable` once they are over or refused.
 */
export async function cancelFreeRounds(
  trx: Trx,
  order: { readonly id: string; readonly actor: Actor; readonly reason: string },
): Promise<Result<{ readonly state: string }>> {
  const row = await trx
    .selectFrom('games.freeRoundIssue')
    .select(['state', 'brand', 'playerId', 'integration'])
    .where('id', '=', order.id)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return fail('not-found', 'There are no such free rounds.');
  if (row.state === 'cancelling' || row.state === 'cancelled') return succeed({ state: row.state });
  if (row.state !== 'requested' && row.state !== 'issued')
    return fail('free-rounds-not-cancellable', `The free rounds are ${row.state}.`);
  await trx
    .updateTable('games.freeRoundIssue')
    .set({ state: 'cancelling', failure: null })
    .where('id', '=', order.id)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'games.free-rounds.cancel-requested',
      version: 1,
      brand: row.brand ?? '',
      playerId: row.playerId,
      payload: { freeRoundsId: order.id, integration: row.integration, playerId: row.playerId },
    },
    {
      actor: order.actor,
      subject: `free-rounds:${order.id}`,
      reason: order.reason,
    },
  );
  return succeed({ state: 'cancelling' });
}
