/** Open single bets on one market, as many as a final has: real stakes in the ledger, written a batch at a time. */
import { randomUUID } from 'node:crypto';
import { takeFeedMessage } from '#activities/games/commands/take-feed-message.ts';
import { addDecision, openPlayerBatch, type PlayerBatch } from '#activities/wallet/player-batch.ts';
import { loadWallets, walletKey, type Execute } from '#activities/wallet/wallet-rows.ts';
import { writeBatches } from '#activities/wallet/write-statement.ts';
import { createDatabase, openPool } from '#db/connect.ts';
import type { FeedMessage } from '#domain/games/book/feed.schema.ts';
import { decide } from '#domain/wallet/decide.ts';
import type { BookStakeCommand } from '#domain/wallet/book-commands.ts';
import { loadGame, type LoadPlayer } from './load-players.ts';

export type LoadMarket = { readonly eventId: string; readonly marketId: string };

export const loadMarketOf = (eventId: string): LoadMarket => ({ eventId, marketId: 'match-winner' });

/** One euro at ledger scale. */
const stake = 10n ** 12n;
const batchBets = 500;
const attemptsMax = 5;
const selections = ['home', 'away'] as const;

/** Publishes the market and places `count` bets on it, half of them on the winner. */
export async function makeLoadBets(
  databaseUrl: string,
  market: LoadMarket,
  players: readonly LoadPlayer[],
  count: number,
): Promise<void> {
  const pool = openPool({
    url: databaseUrl,
    applicationName: 'pitboss-bench',
    connectionsMax: 2,
    statementTimeoutMs: 60_000,
  });
  const db = createDatabase(pool);
  const execute: Execute = async (name, text, values) =>
    (await pool.query({ name, text, values: [...values] })).rows;
  try {
    for (const message of catalogueOf(market)) await takeFeedMessage(db, message);
    for (let placed = 0; placed < count; placed += batchBets) {
      const bets = Array.from({ length: Math.min(batchBets, count - placed) }, (_, index) => ({
        id: randomUUID(),
        playerId: players[(placed + index) % players.length]?.id ?? '',
        selection: selections[index % selections.length] ?? 'home',
      }));
      const journals = await takeStakes(execute, bets);
      await pool.query(
        `insert into games.bet (id, player_id, brand, asset, kind, followed, stake, potential_payout, payout_max,
           stake_journal_id, fingerprint, state)
         select id, player_id, 'aurora', $4, 'single', false, $5, $5::numeric * 2, $5::numeric * 1000, journal, '\\x00', 'open'
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as b(id, player_id, journal)`,
        [
          bets.map(({ id }) => id),
          bets.map(({ playerId }) => playerId),
          bets.map(({ id }) => journals.get(id)),
          loadGame.asset,
          stake.toString(),
        ],
      );
      await pool.query(
        `insert into games.bet_leg (bet_id, number, player_id, event_id, market_id, selection_id, odds)
         select id, 1, player_id, $3, $4, selection, 2000 from unnest($1::uuid[], $2::text[], $5::uuid[]) as l(id, selection, player_id)`,
        [
          bets.map(({ id }) => id),
          bets.map(({ selection }) => selection),
          market.eventId,
          market.marketId,
          bets.map(({ playerId }) => playerId),
        ],
      );
    }
    await pool.query('vacuum analyze games.bet').catch(() => {});
    await pool.query('vacuum analyze games.bet_leg').catch(() => {});
  } finally {
    await db.destroy();
  }
}

/** Says who has won; a relay that runs starts the settlement after this. */
export async function resultLoadMarket(databaseUrl: string, market: LoadMarket): Promise<void> {
  const pool = openPool({ url: databaseUrl, applicationName: 'pitboss-bench', connectionsMax: 1 });
  const db = createDatabase(pool);
  await takeFeedMessage(db, {
    type: 'market.resulted',
    sequence: 3,
    ...market,
    outcomes: { home: { result: 'won' }, away: { result: 'lost' } },
  });
  await db.destroy();
}

const catalogueOf = (market: LoadMarket): readonly FeedMessage[] => [
  {
    type: 'event.updated',
    sequence: 1,
    eventId: market.eventId,
    sport: 'football',
    name: 'The final',
    startsAt: '2100-01-01T00:00:00Z',
    state: 'scheduled',
  },
  {
    type: 'market.updated',
    sequence: 2,
    ...market,
    kind: 'match-winner',
    name: 'Match winner',
    state: 'open',
    selections: selections.map((id) => ({ id, name: id, odds: '2.00', active: true })),
  },
];

type LoadBet = { readonly id: string; readonly playerId: string };

/** Journals of the stakes by bet. */
async function takeStakes(
  execute: Execute,
  bets: readonly LoadBet[],
  attempt = 1,
): Promise<Map<string, string>> {
  const ids = [...new Set(bets.map(({ playerId }) => playerId))].map((playerId) => ({
    playerId,
    asset: loadGame.asset,
  }));
  const wallets = await loadWallets(execute, ids, false);
  const nowMs = Date.now();
  const batches = new Map<string, PlayerBatch>();
  const journals = new Map<string, string>();
  for (const bet of bets) {
    const key = walletKey(bet.playerId, loadGame.asset);
    const wallet = wallets.get(key);
    if (!wallet) throw new Error('A player for load has no wallet.');
    const batch = batches.get(key) ?? openPlayerBatch(wallet);
    const command: BookStakeCommand = {
      kind: 'book-stake',
      key: { integration: 'pitboss', externalId: `bet:${bet.id}:stake` },
      playerId: bet.playerId,
      asset: loadGame.asset,
      amount: stake,
      fingerprint: '00',
      subject: `bet:${bet.id}`,
      sessionIssuedAtMs: Number.POSITIVE_INFINITY,
      sessionExpiresAtMs: Number.POSITIVE_INFINITY,
    };
    const decision = decide(batch.after.state, command, { nowMs, existing: null, referenced: null });
    if (decision.kind !== 'post') throw new Error(`A bet for load could not be placed: ${decision.kind}.`);
    journals.set(bet.id, addDecision(batch, command, decision, nowMs).journalId);
    batches.set(key, batch);
  }
  const { written } = await writeBatches(execute, [...batches.values()], nowMs);
  if (written.size === batches.size) return journals;
  // On a machine that is busy elsewhere a second passes between decision and write, and the statement refuses all.
  if (written.size === 0 && attempt < attemptsMax) return takeStakes(execute, bets, attempt + 1);
  throw new Error('Not every stake could be taken.');
}
