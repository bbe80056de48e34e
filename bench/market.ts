/** A market with many open bets gets its result: how fast they are settled, and what a player at a slot feels meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { loadDevSecrets } from '#platform/dev-secrets.ts';
import type { Platform } from '#platform/platform.ts';
import { loadConfig } from '#workers/config.ts';
import { createDataConverter } from '#workers/payload-codec.ts';
import { marketStart } from '#workflows/market.contract.ts';
import type { market as marketWorkflow } from '#workflows/market.ts';
import { openAnchor, type Anchor } from './anchor.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { startChild, type Child } from './child.ts';
import { loadMarketOf, makeLoadBets, resultLoadMarket, type LoadMarket } from './load-bets.ts';
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

type Shape = {
  readonly name: string;
  readonly market: LoadMarket;
  readonly bets: number;
  readonly isAlone: boolean;
};

type Measured = {
  readonly settlement: Settlement;
  readonly anchorPerS: number;
  readonly quiet: LoadResult;
  readonly busy: LoadResult;
};

/** What carries facts away and keeps figures; it has hours for it, and in production machines of its own. */
const bystanders = ['relay', 'analytics'];

async function measure(platform: Platform, bets: number): Promise<readonly string[]> {
  const { owner } = platform.runJson.postgres;
  const players = await makeLoadPlayers(owner, bettors);
  const all: Shape = {
    name: 'everything running',
    market: loadMarketOf('bench-semi-final'),
    bets: Math.ceil(bets / 5),
    isAlone: false,
  };
  const alone: Shape = {
    name: 'relay and analytics halted',
    market: loadMarketOf('bench-final'),
    bets,
    isAlone: true,
  };
  for (const { market: made, bets: count } of [all, alone]) await makeLoadBets(owner, made, players, count);
  const database = new pg.Client(owner);
  await database.connect();
  const anchor = await openAnchor(owner);
  const load = startChild('./wallet-load.ts', platform.environment);
  const frame = { platform, players, database, anchor, load };
  try {
    await untilRelayed(database);
    await play(frame, 'in turn', () => delay(2_000));
    const lines = report(all, await runShape(frame, all));
    for (const name of bystanders) await platform.halt(name);
    const measured = await runShape(frame, alone);
    return [...lines, ...report(alone, measured), ...verdicts(measured)];
  } finally {
    await load.end();
    await anchor.close();
    await database.end();
  }
}

type Frame = {
  readonly platform: Platform;
  readonly players: readonly LoadPlayer[];
  readonly database: pg.Client;
  readonly anchor: Anchor;
  readonly load: Child;
};

async function runShape(frame: Frame, shape: Shape): Promise<Measured> {
  const { platform, database, anchor } = frame;
  const before = await anchor.run(64, anchorSeconds);
  const quiet = await play(frame, 'at random', () => delay(5_000));
  const busy = await play(frame, 'at random', async () => {
    await resultLoadMarket(platform.runJson.postgres.owner, shape.market);
    if (shape.isAlone) await startSettlement(platform, shape.market);
    await untilSettled(database, shape.market);
  });
  if (!shape.isAlone) await untilRelayed(database);
  const after = await anchor.run(64, anchorSeconds);
  const settlement = await settlementOf(database, shape.market);
  if (settlement.bets !== shape.bets)
    throw new Error(`${settlement.bets} of ${shape.bets} bets were settled.`);
  return { settlement, anchorPerS: (before.betsPerS + after.betsPerS) / 2, quiet, busy };
}

/** What the relay would do. */
async function startSettlement(platform: Platform, settled: LoadMarket): Promise<void> {
  const config = loadConfig(platform.environment);
  const connection = await Connection.connect({ address: config.temporal.address });
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: createDataConverter(config.keys.payloadCodec.reveal()),
  });
  await client.workflow.start<typeof marketWorkflow>('market', marketStart({ ...settled, version: 1 }));
  await connection.close();
}

/** Plays while `during` runs. */
async function play(
  { platform, load, players }: Frame,
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

type Settlement = { readonly tookS: number; readonly bets: number };

async function untilSettled(database: pg.Client, settled: LoadMarket): Promise<void> {
  for (let tries = 0; tries < settleMinutesMax * 120; tries += 1) {
    const { bets } = await settlementOf(database, settled);
    if (bets > 0) return;
    await delay(500);
  }
  throw new Error(`The market is not settled after ${settleMinutesMax} minutes.`);
}

/** From the commit of the result to the note that every bet has it: the start of the workflow is in it. */
async function settlementOf(database: pg.Client, settled: LoadMarket): Promise<Settlement> {
  const { rows } = await database.query<{ took: string; bets: number | null }>(
    `select extract(epoch from settled_at - received_at) as took, bets_settled as bets
     from games.market_result where event_id = $1 and market_id = $2`,
    [settled.eventId, settled.marketId],
  );
  return { tookS: Number(rows[0]?.took), bets: rows[0]?.bets ?? 0 };
}

function report({ name }: Shape, { settlement, anchorPerS, quiet, busy }: Measured): readonly string[] {
  const figures = ({ bets, tookS, tookMs, refused }: LoadResult) =>
    `${(bets / tookS).toFixed(0)} bets/s, p50/p95/p99 ${spread(tookMs, 1)} ms, ${refused} refused`;
  const betsPerS = settlement.bets / settlement.tookS;
  return [
    `${name}: ${settlement.bets} single bets settled in ${settlement.tookS.toFixed(1)} s, ${betsPerS.toFixed(0)} a second; anchor ${anchorPerS.toFixed(0)}; ratio ${(betsPerS / anchorPerS).toFixed(2)}`,
    `  wallet calls before: ${figures(quiet)}`,
    `  wallet calls meanwhile: ${figures(busy)}`,
  ];
}

const verdicts = ({ settlement, anchorPerS, busy }: Measured): readonly string[] => [
  verdict('settlement ÷ anchor', settlement.bets / settlement.tookS / anchorPerS, { atLeast: 0.5 }),
  verdict('p95 of wallet calls meanwhile', percentile(busy.tookMs, 0.95), { atMost: 150 }, ' ms'),
];
