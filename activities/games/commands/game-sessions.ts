/** Opens game sessions and finds them again by the token that a provider sends with every wallet call. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { createToken, hashToken } from '#activities/tokens.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';

export type OpenGameSession = {
  readonly playerId: string;
  readonly playerSessionId: string;
  readonly brand: string;
  readonly integration: string;
  readonly game: string;
  readonly asset: string;
};

/** A token outlives any sitting; revocation reaches it through the wallet's fence. */
const sessionHours = 12;

/**
 * Failures: `unknown-game`, `wallet-not-found`, `player-blocked`, `self-excluded`, `session-expired` for a player who has
 * signed out since the request was let in. The token is shown once.
 */
export async function openGameSession(
  db: Database,
  input: OpenGameSession,
): Promise<Result<{ gameSessionId: string; token: string }>> {
  const token = createToken();
  const id = randomUUID();
  return db.transaction().execute(async (trx) => {
    const game = await trx
      .selectFrom('games.game as g')
      .innerJoin('games.integration as i', 'i.id', 'g.integration')
      .select('g.code')
      .where('g.integration', '=', input.integration)
      .where('g.code', '=', input.game)
      .where('g.playable', '=', true)
      .where('i.enabled', '=', true)
      .executeTakeFirst();
    if (!game) return fail('unknown-game', 'There is no such game.');
    const wallet = await trx
      .selectFrom('wallet.playerWallet')
      .select((eb) => [
        'playBlockReason',
        eb
          .and([eb('playBlockedUntil', 'is not', null), eb('playBlockedUntil', '>', eb.fn<Date>('now', []))])
          .as('blocked'),
      ])
      .where('playerId', '=', input.playerId)
      .where('asset', '=', input.asset)
      .executeTakeFirst();
    if (!wallet) return fail('wallet-not-found', `The player has no ${input.asset} wallet.`);
    if (wallet.blocked) {
      return fail(
        wallet.playBlockReason === 'self-exclusion' ? 'self-excluded' : 'player-blocked',
        'The player may not play now.',
      );
    }
    if (await isRevoked(trx, input.playerSessionId))
      return fail('session-expired', 'This session is over; sign in again.');
    await trx
      .insertInto('games.gameSession')
      .values((eb) => ({
        tokenHash: hashToken(token),
        id,
        integration: input.integration,
        playerId: input.playerId,
        asset: input.asset,
        gameCode: input.game,
        playerSessionId: input.playerSessionId,
        issuedAt: eb.fn<Date>('clock_timestamp', []),
        expiresAt: sql<Date>`clock_timestamp() + make_interval(hours => ${sessionHours}::integer)`,
      }))
      .execute();
    await appendEvent(
      trx,
      {
        type: 'games.session.opened',
        version: 1,
        brand: input.brand,
        playerId: input.playerId,
        payload: { gameSessionId: id, integration: input.integration, game: input.game },
      },
      { actor: { kind: 'player', id: input.playerId }, subject: `game-session:${id}` },
    );
    return succeed({ gameSessionId: id, token });
  });
}

/**
 * Read under a lock that a revocation waits for: it expires the tokens that were issued before it, so one issued by a
 * request that it has overtaken would outlive it.
 */
async function isRevoked(trx: Trx, playerSessionId: string): Promise<boolean> {
  const session = await trx
    .selectFrom('pam.session')
    .select('revokedAt')
    .where('id', '=', playerSessionId)
    .forShare()
    .executeTakeFirst();
  return session !== undefined && session.revokedAt !== null;
}

export type GameSession = {
  readonly playerId: string;
  readonly asset: string;
  readonly integration: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
};

/** The session of a token, or null where the token never existed for this integration. */
export async function findGameSession(
  db: Database,
  integration: string,
  token: string,
): Promise<GameSession | null> {
  const row = await db
    .selectFrom('games.gameSession')
    .select(['playerId', 'asset', 'integration', 'issuedAt', 'expiresAt'])
    .where('tokenHash', '=', hashToken(token))
    .where('integration', '=', integration)
    .executeTakeFirst();
  if (!row) return null;
  const { playerId, asset } = row;
  return {
    playerId,
    asset,
    integration,
    issuedAtMs: row.issuedAt.getTime(),
    expiresAtMs: row.expiresAt.getTime(),
  };
}

export type RotateGameSession = {
  readonly integration: string;
  readonly brand: string;
  readonly token: string;
};

/**
 * Gives a session a new token; the old one expires, which only bets look at. The new row keeps both instants of the old:
 * a fresh token neither prolongs a sitting nor survives a log-out.
 * Failures: `game-session-invalid` (no such token), `session-expired` (it was replaced or has run out).
 */
export async function rotateGameSession(
  db: Database,
  input: RotateGameSession,
): Promise<Result<{ token: string }>> {
  const token = createToken();
  const id = randomUUID();
  return db.transaction().execute(async (trx) => {
    const old = await trx
      .selectFrom('games.gameSession')
      .selectAll()
      .select((eb) => eb('expiresAt', '<=', eb.fn<Date>('clock_timestamp', [])).as('expired'))
      .where('tokenHash', '=', hashToken(input.token))
      .where('integration', '=', input.integration)
      .forUpdate()
      .executeTakeFirst();
    if (!old) return fail('game-session-invalid', 'There is no such game session.');
    if (old.expired) return fail('session-expired', 'The token was replaced or its session has ended.');
    await trx
      .updateTable('games.gameSession')
      .set((eb) => ({ expiresAt: eb.fn<Date>('clock_timestamp', []) }))
      .where('tokenHash', '=', old.tokenHash)
      .execute();
    const { expired: _, ...kept } = old;
    await trx
      .insertInto('games.gameSession')
      .values({ ...kept, id, tokenHash: hashToken(token) })
      .execute();
    await appendEvent(
      trx,
      {
        type: 'games.session.opened',
        version: 1,
        brand: input.brand,
        playerId: old.playerId,
        payload: { gameSessionId: id, integration: input.integration, game: old.gameCode },
      },
      { actor: { kind: 'system', id: `integration:${input.integration}` }, subject: `game-session:${id}` },
    );
    return succeed({ token });
  });
}
