/** A market with many open bets gets its result: how fast they are settled, and what a player at a slot feels meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { loadDevSecrets } from '#platform/dev-secrets.ts';
import type { Platform } from '#platform/platform.ts';
import { openAnchor } from './anchor.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { startChild, type Child } from './child.ts';
import { loadMarket, makeLoadBets, resultLoadMarket } from './load-bets.ts';
import { makeLoadPlayers, type LoadPlayer } from './load-players.ts';
import { percentile, spread, verdict } from './statistics.ts';
import type { LoadOrder, LoadResult } from './wallet-load.ts';

const betsDefault = 100_000;
const bettors = 10_000;
const anchorSeconds = 5;
/** Light play beside the settlement: each connection bets, reads its answer, and waits. */
const playConnections = 8;
const playPauseMs = 40;
const settleMinutesMax = 5;

export const market: Bench = {
  summary:
    'single bets of one market settled a second, against pgbench with a single-bet function; a number of bets may follow',
  run: (args) => onPlatform((platform) => measure(platform, Number(args[0] ?? betsDefault))),
};

async function measure(platform: Platform, bets: number): Promise<readonly string[]> {
  const { owner } = platform.runJson.postgres;
  const players = await makeLoadPlayers(owner, bettors);
  await makeLoadBets(owner, players, bets);
  const database = new pg.Client(owner);
  await database.connect();
  const anchor = await openAnchor(owner);
  const load = startChild('./wallet-load.ts', platform.environment);
  try {
    await untilRelayed(database);
    const before = await anchor.run(64, anchorSeconds);
    await play(platform, load, players, 'in turn', () => delay(2_000));
    const quiet = await play(platform, load, players, 'at random', () => delay(5_000));
    const busy = await play(platform, load, players, 'at random', async () => {
      await resultLoadMarket(owner);
      await untilSettled(database);
    });
    await untilRelayed(database);
    const after = await anchor.run(64, anchorSeconds);
    return report(await settlementOf(database), { before, after }, { quiet, busy }, bets);
  } finally {
    await load.end();
    await anchor.close();
    await database.end();
  }
}

/** Plays while `during` runs. */
async function play(
  platform: Platform,
  load: Child,
  players: readonly LoadPlayer[],
  order: LoadOrder['order'],
  during: () => Promise<void>,
): Promise<LoadResult> {
  const wanted: LoadOrder = {
    ports: [Number(new URL(platform.runJson.api).port)],
    connections: playConnections,
    seconds: settleMinutesMax * 60,
    betsMax: 12_000,
    privateKey: loadDevSecrets(platform.home).hub88.studioPrivateKey,
    players,
    order,
    pauseMs: playPauseMs,
    untilTold: true,
  };
  load.send(wanted);
  await load.next();
  load.send('go');
  await during();
  load.send('stop');
  return (await load.next()) as LoadResult;
}

/** Making the bets left facts; they are carried away before anything is measured. */
async function untilRelayed(database: pg.Client): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const { rows } = await database.query<{ behind: boolean }>(
      `select coalesce(bool_or(c.last_id < (select max(id) from compliance.outbox)), true) as behind
       from compliance.relay_cursor c`,
    );
    if (rows[0]?.behind === false) return;
    await delay(500);
  }
  throw new Error('The relay does not catch up.');
}

type Settlement = { readonly tookS: number; readonly startedAfterS: number; readonly bets: number };

async function untilSettled(database: pg.Client): Promise<void> {
  for (let tries = 0; tries < settleMinutesMax * 120; tries += 1) {
    const { bets } = await settlementOf(database);
    if (bets > 0) return;
    await delay(500);
  }
  throw new Error(`The market is not settled after ${settleMinutesMax} minutes.`);
}

/** From the commit of the result to the note that every bet has it: the start of the workflow is in it. */
async function settlementOf(database: pg.Client): Promise<Settlement> {
  const { rows } = await database.query<{ took: string; started: string; bets: number | null }>(
    `select extract(epoch from r.settled_at - r.received_at) as took, r.bets_settled as bets,
       (select extract(epoch from min(b.settled_at) - r.received_at) from games.bet b where b.state = 'settled') as started
     from games.market_result r where r.event_id = $1 and r.market_id = $2`,
    [loadMarket.eventId, loadMarket.marketId],
  );
  const row = rows[0];
  return { tookS: Number(row?.took), startedAfterS: Number(row?.started), bets: row?.bets ?? 0 };
}

type Rate = { readonly betsPerS: number; readonly tool: string };

function report(
  settlement: Settlement,
  anchors: { readonly before: Rate; readonly after: Rate },
  played: { readonly quiet: LoadResult; readonly busy: LoadResult },
  bets: number,
): readonly string[] {
  if (settlement.bets !== bets) throw new Error(`${settlement.bets} of ${bets} bets were settled.`);
  const anchor = (anchors.before.betsPerS + anchors.after.betsPerS) / 2;
  const betsPerS = settlement.bets / settlement.tookS;
  const figures = ({ bets: placed, tookS, tookMs }: LoadResult) =>
    `${(placed / tookS).toFixed(0)} bets/s, p50/p95/p99 ${spread(tookMs, 1)} ms`;
  return [
    `${settlement.bets} single bets settled in ${settlement.tookS.toFixed(1)} s (the first page ${settlement.startedAfterS.toFixed(1)} s after the result): ${betsPerS.toFixed(0)} bets/s`,
    `anchor (${anchors.before.tool}, 64): ${anchors.before.betsPerS.toFixed(0)} bets/s before, ${anchors.after.betsPerS.toFixed(0)} after`,
    `wallet calls before: ${figures(played.quiet)}`,
    `wallet calls meanwhile: ${figures(played.busy)}; ${played.busy.refused} refused`,
    verdict('settlement ÷ anchor', betsPerS / anchor, { atLeast: 0.5 }),
    verdict('p95 of wallet calls meanwhile', percentile(played.busy.tookMs, 0.95), { atMost: 150 }, ' ms'),
  ];
}
