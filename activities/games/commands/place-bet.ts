/** Places a bet: prices and limits judged, the stake taken by the wallet's reducer, the bet's row written, in one transaction. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import { ownIntegration, postCommand } from '#activities/wallet/post.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, FailureError, orThrow, succeed, type Result } from '#domain/failures.ts';
import { bookLimitsOf } from '#domain/games/book/limits.ts';
import { acceptOffer, type Acceptance, type OfferedLeg } from '#domain/games/book/placement.ts';
import { toMoneyText, type Units } from '#domain/money.ts';
import { betSubject, stakeKey } from '../book/bet-terms.ts';
import { passGates } from '../book/gates.ts';

export type LegWish = {
  readonly eventId: string;
  readonly marketId: string;
  readonly selectionId: string;
  /** As the player saw them, × 1000. */
  readonly odds: bigint;
};

export type PlaceBet = {
  readonly betId: string;
  readonly playerId: string;
  readonly sessionId: string;
  readonly brand: string;
  readonly asset: string;
  readonly stake: Units;
  readonly acceptance: Acceptance;
  /** A single bet that can be bought back has a workflow of its own; a multiple always has. */
  readonly cashOut: boolean;
  readonly legs: readonly LegWish[];
  readonly fingerprint: Buffer;
};

/**
 * Failures: those of `acceptOffer` and of a stake (`player-blocked`, `self-excluded`, `session-expired`,
 * `play-limit-exceeded`, `insufficient-funds`, `wallet-not-found`), `unsupported-asset`, `idempotency-key-reused`.
 * A refused bet leaves no row, so its key may be tried again with the prices of then.
 */
export async function placeBet(db: Database, bet: PlaceBet): Promise<Result<{ repeated: boolean }>> {
  try {
    return await db.transaction().execute(async (trx) => {
      const known = await repeatOf(trx, bet);
      if (known) return known;
      await requireSession(trx, bet.sessionId);
      const limits = orThrow(bookLimitsOf(bet.asset));
      const accepted = orThrow(
        acceptOffer({
          stake: bet.stake,
          payableUnit: limits.payableUnit,
          acceptance: bet.acceptance,
          legs: await readLegs(trx, bet.legs),
          limits,
          playerStakeMax: await readStakeMax(trx, bet.playerId, bet.asset),
        }),
      );
      const stake = orThrow(await takeStake(trx, bet));
      // Two calls with one key: the second waited for the wallet and meets the first one's row.
      if (stake.repeated)
        return (await repeatOf(trx, bet)) ?? fail('idempotency-key-reused', 'The key was used.');
      await writeBet(trx, bet, { ...accepted, payoutMax: limits.payoutMax, stakeJournalId: stake.journalId });
      return succeed({ repeated: false });
    });
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}

async function repeatOf(trx: Trx, bet: PlaceBet): Promise<Result<{ repeated: boolean }> | null> {
  const row = await trx
    .selectFrom('games.bet')
    .select('fingerprint')
    .where('id', '=', bet.betId)
    .executeTakeFirst();
  if (!row) return null;
  return row.fingerprint.equals(bet.fingerprint)
    ? succeed({ repeated: true })
    : fail('idempotency-key-reused', 'The key was used for another bet.');
}

/** The shared lock makes a log-out that comes at the same time wait, or this bet see it. */
async function requireSession(trx: Trx, sessionId: string): Promise<void> {
  const { rows } = await sql`
    select 1 from pam.session
    where id = ${sessionId} and revoked_at is null and expires_at > clock_timestamp() for share
  `.execute(trx);
  if (rows.length === 0)
    throw new FailureError(fail('session-expired', 'This session is over; sign in again.').failure);
}

/** The gates hold a result, a suspension and the end of an event back; prices are read as they are behind them. */
async function readLegs(trx: Trx, legs: readonly LegWish[]): Promise<OfferedLeg[]> {
  await passGates(trx, legs);
  const eventIds = legs.map(({ eventId }) => eventId);
  const marketIds = legs.map(({ marketId }) => marketId);
  const selectionIds = legs.map(({ selectionId }) => selectionId);
  const { rows } = await sql<{
    number: bigint;
    odds: bigint;
    active: boolean;
    marketState: string;
    eventState: string;
    begun: boolean;
  }>`
    select k.number, s.odds, s.active, m.state as market_state, e.state as event_state,
      e.starts_at <= clock_timestamp() as begun
    from unnest(${eventIds}::text[], ${marketIds}::text[], ${selectionIds}::text[])
      with ordinality as k(event_id, market_id, id, number)
    join games.selection s on s.event_id = k.event_id and s.market_id = k.market_id and s.id = k.id
    join games.market m on m.event_id = k.event_id and m.id = k.market_id
    join games.sport_event e on e.id = k.event_id
  `.execute(trx);
  const found = new Map(rows.map((row) => [Number(row.number), row]));
  return legs.map(({ eventId, odds: oddsSeen }, index) => {
    const row = found.get(index + 1);
    return {
      eventId,
      oddsSeen,
      selection: row
        ? {
            odds: row.odds,
            isActive: row.active,
            marketState: row.marketState,
            eventState: row.eventState,
            hasBegun: row.begun,
          }
        : null,
    };
  });
}

async function readStakeMax(trx: Trx, playerId: string, asset: string): Promise<Units | null> {
  const row = await trx
    .selectFrom('games.bookPlayerLimit')
    .select('stakeMax')
    .where('playerId', '=', playerId)
    .where('asset', '=', asset)
    .orderBy('setAt', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.stakeMax === undefined || row.stakeMax === null ? null : BigInt(row.stakeMax);
}

const takeStake = (trx: Trx, bet: PlaceBet) =>
  postCommand(trx, {
    kind: 'book-stake',
    key: { integration: ownIntegration, externalId: stakeKey(bet.betId) },
    playerId: bet.playerId,
    asset: bet.asset,
    amount: bet.stake,
    fingerprint: bet.fingerprint.toString('hex'),
    subject: betSubject(bet.betId),
    // The session's own row was judged above; there is no game token that could be older than a log-out.
    sessionIssuedAtMs: Number.POSITIVE_INFINITY,
    sessionExpiresAtMs: Number.POSITIVE_INFINITY,
  });

async function writeBet(
  trx: Trx,
  bet: PlaceBet,
  accepted: {
    odds: readonly bigint[];
    potentialPayout: Units;
    payoutMax: Units;
    stakeJournalId: string;
  },
): Promise<void> {
  const { betId, playerId, brand, asset, legs } = bet;
  const followed = bet.cashOut || legs.length > 1;
  await trx
    .insertInto('games.bet')
    .values({
      id: betId,
      playerId,
      brand,
      asset,
      kind: legs.length === 1 ? 'single' : 'multiple',
      followed,
      stake: bet.stake.toString(),
      potentialPayout: accepted.potentialPayout.toString(),
      payoutMax: accepted.payoutMax.toString(),
      stakeJournalId: accepted.stakeJournalId,
      fingerprint: bet.fingerprint,
      state: 'open',
    })
    .execute();
  await trx
    .insertInto('games.betLeg')
    .values(
      legs.map(({ eventId, marketId, selectionId, odds }, index) => ({
        betId,
        number: index + 1,
        playerId,
        eventId,
        marketId,
        selectionId,
        odds: accepted.odds[index] ?? odds,
      })),
    )
    .execute();
  await appendEvent(
    trx,
    {
      type: 'games.bet.placed',
      version: 1,
      brand,
      playerId,
      payload: {
        betId,
        money: toMoneyText(bet.stake, asset),
        potentialPayout: toMoneyText(accepted.potentialPayout, asset),
        legs: legs.length,
        followed,
      },
    },
    { actor: { kind: 'player', id: playerId }, subject: betSubject(betId) },
  );
}
