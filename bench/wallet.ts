/** Signed Hub88 bets over HTTP against bare single-bet SQL on the same server, cores and minute. */
import { setTimeout as delay } from 'node:timers/promises';
import { loadDevSecrets } from '#platform/dev-secrets.ts';
import type { Platform } from '#platform/platform.ts';
import { apiNodeArgs } from '#platform/process-plans.ts';
import { ageLog } from './aged-log.ts';
import { openAnchor, type Anchor } from './anchor.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { startChild, type Child } from './child.ts';
import { makeLoadPlayers, type LoadPlayer } from './load-players.ts';
import { processorUs } from './processor-time.ts';
import { median, percentile, spread, verdict } from './statistics.ts';
import type { LoadOrder, LoadResult } from './wallet-load.ts';

const players = 10_000;
const seconds = 5;
const rounds = 3;
const turnsToWarmUp = 3;
/** More than any run so far has placed in a second; signing more than are sent only costs patience. */
const betsPerSMax = 9_000;
const bystanders = ['relay', 'worker', 'temporal', 'analytics'];

export const wallet: Bench = {
  summary: 'signed Hub88 bets a second over HTTP against pgbench with a single-bet function',
  run: () => onPlatform(measure),
};

type Shape = {
  readonly name: string;
  readonly connections: number;
  readonly processes: 1 | 2;
  readonly isHot: boolean;
};

const shapes: readonly Shape[] = [
  { name: '64 connections', connections: 64, processes: 1, isHot: false },
  { name: '256 connections', connections: 256, processes: 1, isHot: false },
  { name: 'two processes, 64', connections: 64, processes: 2, isHot: false },
  { name: 'one hot player, 64', connections: 64, processes: 1, isHot: true },
];
const everythingRuns: Shape = { name: '64, all running', connections: 64, processes: 1, isHot: false };

type Measured = {
  readonly betsPerS: number;
  readonly ratio: number;
  readonly p99Ms: number;
  readonly anchorP99Ms: number;
};

type Frame = {
  readonly platform: Platform;
  readonly anchor: Anchor;
  readonly load: Child;
  readonly ports: readonly number[];
  readonly second: Child;
  readonly privateKey: string;
  readonly players: readonly LoadPlayer[];
};

async function measure(platform: Platform): Promise<readonly string[]> {
  const made = await makeLoadPlayers(platform.runJson.postgres.owner, players);
  await ageLog(platform.runJson.postgres.owner);
  const port = Number(new URL(platform.runJson.api).port);
  const second = await startSecondApi(platform, port + 1);
  const load = startChild('./wallet-load.ts', platform.environment);
  const anchor = await openAnchor(platform.runJson.postgres.owner);
  const privateKey = loadDevSecrets(platform.home).hub88.studioPrivateKey;
  const frame = { platform, anchor, load, second, ports: [port, port + 1], privateKey, players: made };
  const seen = new Map<string, Measured[]>();
  try {
    for (const each of frame.ports) await warmUp(frame, each);
    heading();
    await warmUp(frame, port, 1);
    await runShape(frame, everythingRuns, null, seen);
    for (const name of bystanders) await platform.halt(name);
    for (let round = 1; round <= rounds; round += 1) {
      console.log(`round ${round}`);
      for (const shape of shapes) {
        // What the other process has written since, this one would have to learn bet by bet: not what is asked here.
        if (shape.processes === 1) await warmUp(frame, port, 1);
        await runShape(frame, shape, await runAnchor(frame), seen);
      }
    }
    return verdicts(seen);
  } finally {
    await load.end();
    await second.end();
    await anchor.close();
  }
}

/**
 * Some bets of everybody. After the first, sessions and wallets are known: a sitting has many bets and one first one.
 * The others give the process the age that it is measured at, minutes instead of moments: until some ten thousand
 * calls have been compiled, one costs it nearly twice as much.
 */
async function warmUp(
  { load, privateKey, players: all }: Frame,
  port: number,
  turns = turnsToWarmUp,
): Promise<void> {
  const betsMax = all.length * turns;
  const wanted: LoadOrder = {
    ports: [port],
    connections: 64,
    seconds: 300,
    betsMax,
    privateKey,
    players: all,
    order: 'in turn',
  };
  load.send(wanted);
  await load.next();
  load.send('go');
  const { bets, refusal } = (await load.next()) as LoadResult;
  if (bets < betsMax) throw new Error(`Only ${bets} of ${betsMax} bets were taken: ${refusal}`);
}

async function startSecondApi(platform: Platform, port: number): Promise<Child> {
  const api = startChild('../api/main.ts', { ...platform.environment, PORT: String(port) }, apiNodeArgs);
  for (let tries = 0; ; tries += 1) {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return api;
    if (tries === 100) throw new Error('The second API process does not become ready.');
    await delay(200);
  }
}

type AnchorFigures = { readonly betsPerS: number; readonly p99Ms: number };

async function runAnchor({ anchor, platform }: Frame): Promise<AnchorFigures> {
  const postgres = platform.runJson.pids['postgres'] ?? 0;
  const before = processorUs(postgres);
  const { betsPerS, tookMs, tool } = await anchor.run(64, seconds);
  const cpu = (processorUs(postgres) - before) / tookMs.length;
  line(`anchor (${tool}), 64`, betsPerS, tookMs, null, [cpu]);
  return { betsPerS, p99Ms: percentile(tookMs, 0.99) };
}

async function runShape(
  frame: Frame,
  shape: Shape,
  given: AnchorFigures | null,
  seen: Map<string, Measured[]>,
): Promise<void> {
  const before = given ?? (await runAnchor(frame));
  const { platform, load, second } = frame;
  await order(frame, shape);
  const { pids } = platform.runJson;
  const measured = {
    postgres: pids['postgres'] ?? 0,
    api: pids['api'] ?? 0,
    second: second.pid,
    load: load.pid,
  };
  const others = bystanders.map((name) => pids[name] ?? 0);
  const cpuBefore = Object.values(measured).map(processorUs);
  const othersBefore = others.map(processorUs);
  load.send('go');
  const result = (await load.next()) as LoadResult;
  const used = Object.values(measured).map(
    (pid, index) => (processorUs(pid) - (cpuBefore[index] ?? 0)) / result.bets,
  );
  const othersUsed = others.map(
    (pid, index) => (processorUs(pid) - (othersBefore[index] ?? 0)) / result.bets,
  );
  const [postgres = 0, api = 0, other = 0, tool = 0] = used;
  const betsPerS = result.bets / result.tookS;
  const ratio = betsPerS / before.betsPerS;
  const bystandersCpu = shape === everythingRuns ? othersUsed : [];
  line(shape.name, betsPerS, result.tookMs, ratio, [
    postgres,
    api + (shape.processes === 2 ? other : 0),
    tool,
    ...bystandersCpu,
  ]);
  if (result.refused > 0)
    console.log(`  ${result.refused} refused, such as: ${result.refusal.split('\r\n').at(-1)}`);
  const entry = { betsPerS, ratio, p99Ms: percentile(result.tookMs, 0.99), anchorP99Ms: before.p99Ms };
  seen.set(shape.name, [...(seen.get(shape.name) ?? []), entry]);
}

async function order({ load, ports, privateKey, players: all }: Frame, shape: Shape): Promise<void> {
  const wanted: LoadOrder = {
    ports: ports.slice(0, shape.processes),
    connections: shape.connections,
    seconds,
    betsMax: seconds * betsPerSMax,
    privateKey,
    players: shape.isHot ? all.slice(0, 1) : all,
    order: 'at random',
  };
  load.send(wanted);
  const answer = await load.next();
  if (answer !== 'ready') throw new Error('The load tool is not ready.');
}

function heading(): void {
  console.log(
    `\n${players} players, ${seconds} s each, ${rounds} rounds; processor µs per bet: PostgreSQL / API / load tool`,
  );
  console.log(`(with all running also: ${bystanders.join(' / ')}; otherwise those are halted)`);
  console.log('                            bets/s   p50/p95/p99 ms   ÷ anchor   processor µs per bet');
}

function line(
  name: string,
  betsPerS: number,
  tookMs: readonly number[],
  ratio: number | null,
  cpu: readonly number[],
): void {
  const columns = [
    name.padEnd(26),
    betsPerS.toFixed(0).padStart(8),
    spread(tookMs, 1).padStart(16),
    (ratio?.toFixed(2) ?? '').padStart(10),
  ];
  console.log(`${columns.join(' ')}   ${cpu.map((value) => value.toFixed(0)).join(' / ')}`);
}

function verdicts(seen: ReadonlyMap<string, readonly Measured[]>): readonly string[] {
  const of = (name: string, figure: (measured: Measured) => number) =>
    median((seen.get(name) ?? []).map(figure));
  const [plain, wide, pair, hot] = shapes.map(({ name }) => name) as [string, string, string, string];
  return [
    `with all running ÷ anchor: ${of(everythingRuns.name, ({ ratio }) => ratio).toFixed(2)}`,
    verdict(
      '64 connections ÷ anchor',
      of(plain, ({ ratio }) => ratio),
      { atLeast: 1 },
    ),
    verdict(
      '256 connections ÷ anchor',
      of(wide, ({ ratio }) => ratio),
      { atLeast: 1.25 },
    ),
    verdict(
      'p99 at 64 ÷ p99 of the anchor',
      of(plain, ({ p99Ms, anchorP99Ms }) => p99Ms / anchorP99Ms),
      { atMost: 1 },
    ),
    verdict(
      'two processes ÷ one',
      of(pair, ({ betsPerS }) => betsPerS) / of(plain, ({ betsPerS }) => betsPerS),
      { atLeast: 0.9 },
    ),
    verdict(
      'one hot player ÷ anchor',
      of(hot, ({ ratio }) => ratio),
      { atLeast: 0.5 },
    ),
    // The rest of the table takes a load of its own.
    'cost per bet at 1,000,000 players and 50,000,000 entries ÷ at 1,000 and none (at most 1.25): run `npm run bench -- scale`',
    '`market` settling 100,000 open bets ÷ anchor (at least 0.5), and wallet p95 meanwhile (below 150 ms): run `npm run bench -- market`',
    'memory of the API process over ten minutes (flat): run `npm run bench -- memory`',
  ];
}
