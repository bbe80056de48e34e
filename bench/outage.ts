/**
 * What a player notices when the first PSP is gone: the share of approved deposits and the time to their outcome, against
 * the same players' cards with it healthy; and how many deposits a second there are against no-op workflows of three activities.
 */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { Platform } from '#platform/platform.ts';
import type { Player } from '#sandbox/demo/acts.ts';
import { loadConfig } from '#workers/config.ts';
import { createDataConverter } from '#workers/payload-codec.ts';
import { workflowThreadArgs } from '#workers/workflow-thread-args.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { addressesOf, makePlayers } from './cascade.ts';
import { createDice, tokeniseAs, type Psp, type PspAddresses } from './cascade-fates.ts';
import { startChild } from './child.ts';
import { noopQueue } from './noop.contract.ts';
import type { threeSteps } from './noop.workflow.ts';
import { median, percentile, spread, verdict } from './statistics.ts';

const depositsDefault = 300;
const callers = 8;
const throughputRounds = 3;
const throughputS = 10;

export const outage: Bench = {
  summary:
    'approved share and p95 with the first PSP gone, and deposits a second against no-op workflows: [deposits]',
  run: ([deposits]) => onPlatform((platform) => measure(platform, Number(deposits ?? depositsDefault))),
};

/** The same card at every PSP: an issuer that says no says no everywhere. Shares in percent. */
const cards: readonly (readonly [string, number])[] = [
  ['4242424242424242', 84],
  ['4000000000009995', 8],
  ['4000000000000069', 4],
  ['4000000000000002', 4],
];

type Seen = { readonly state: string; readonly tookMs: number };

async function measure(platform: Platform, deposits: number): Promise<readonly string[]> {
  const at = addressesOf(platform.runJson.sandbox);
  const players = await makePlayers(platform, 4);
  const dice = createDice(1);
  const numbers = Array.from({ length: deposits }, () => numberOf(dice()));
  // Warm, and long enough that the breaker's first lesson is part of what is measured and not all of it.
  await depositAll(at, players, ['alpha', 'beta', 'gamma'], numbers.slice(0, 20));
  const healthy = await depositAll(at, players, ['alpha', 'beta', 'gamma'], numbers);
  const throughput = await compareThroughput(platform, at, players);
  const made = await tokensFor(at, players, ['alpha', 'beta', 'gamma'], numbers);
  await platform.halt('psp-alpha');
  const down = await runAll(players, made);
  await platform.resume('psp-alpha');
  return [...throughput, ...report(healthy, down)];
}

function numberOf(value: number): string {
  let left = value * 100;
  return (cards.find(([, share]) => (left -= share) < 0) ?? cards[0] ?? ['', 0])[0];
}

type Prepared = { readonly psp: Psp; readonly token: string }[];

const tokensFor = async (
  at: PspAddresses,
  players: readonly Player[],
  psps: readonly Psp[],
  numbers: readonly string[],
): Promise<readonly Prepared[]> => {
  const prepared: Prepared[] = [];
  for (const [index, number] of numbers.entries())
    prepared.push(await tokeniseAs(at, playerOf(players, index).id, psps, () => number));
  return prepared;
};

const depositAll = async (
  at: PspAddresses,
  players: readonly Player[],
  psps: readonly Psp[],
  numbers: readonly string[],
): Promise<readonly Seen[]> => runAll(players, await tokensFor(at, players, psps, numbers));

async function runAll(players: readonly Player[], prepared: readonly Prepared[]): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  let next = 0;
  const caller = async () => {
    for (let index = next++; index < prepared.length; index = next++)
      seen.push(await depositOnce(playerOf(players, index), prepared[index] ?? []));
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return seen;
}

async function depositOnce(player: Player, tokens: Prepared): Promise<Seen> {
  const startedAt = performance.now();
  const { state } = await player.call('/v1/deposits', {
    body: {
      money: { amount: '0.50', asset: 'EUR' },
      instrument: { kind: 'card', tokens },
      returnUrl: 'https://shop.example/cashier',
    },
    idempotencyKey: randomUUID(),
  });
  return { state, tookMs: performance.now() - startedAt };
}

/** In turn, so that both see the same machine; each is asked by as many callers as the other. */
async function compareThroughput(
  platform: Platform,
  at: PspAddresses,
  players: readonly Player[],
): Promise<readonly string[]> {
  const worker = startChild('./noop-worker.ts', platform.environment, [
    ...workflowThreadArgs(platform.environment),
  ]);
  const config = loadConfig(platform.environment);
  const connection = await Connection.connect({ address: config.temporal.address });
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: createDataConverter(config.keys.payloadCodec.reveal()),
  });
  try {
    await worker.next();
    const noop = () =>
      client.workflow.execute<typeof threeSteps>('threeSteps', {
        workflowId: `three-steps:${randomUUID()}`,
        taskQueue: noopQueue,
        args: [],
      });
    await perSecond(noop, 2);
    const ratios: number[] = [];
    console.log('\nround   three activities/s   deposits/s   ratio');
    for (let round = 1; round <= throughputRounds; round += 1) {
      const stock = await tokensFor(
        at,
        players,
        ['alpha'],
        Array.from({ length: 400 }, () => '4242424242424242'),
      );
      const noops = await perSecond(noop, throughputS);
      let next = 0;
      const deposits = await perSecond(async () => {
        const index = next++;
        const tokens = stock[index];
        if (tokens === undefined) return false;
        const { state } = await depositOnce(playerOf(players, index), tokens);
        if (state !== 'captured') throw new Error(`A plain deposit is ${state}.`);
        return true;
      }, throughputS);
      ratios.push(deposits / noops);
      console.log(
        `${round}       ${noops.toFixed(1).padStart(12)} ${deposits.toFixed(1).padStart(18)}      ${(deposits / noops).toFixed(2)}`,
      );
    }
    return [
      verdict(
        `deposits ÷ workflows of three no-op activities, median of ${throughputRounds} rounds`,
        median(ratios),
        {
          atLeast: 0.6,
        },
      ),
    ];
  } finally {
    await worker.end();
    await connection.close();
  }
}

/** How often `work` is done a second by all callers together; one that answers false has nothing left to do. */
async function perSecond(work: () => Promise<unknown>, seconds: number): Promise<number> {
  const startedAt = performance.now();
  const isOver = () => performance.now() - startedAt > seconds * 1_000;
  let done = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (!isOver()) {
        if ((await work()) === false) return;
        done += 1;
      }
    }),
  );
  return done / ((performance.now() - startedAt) / 1_000);
}

function playerOf(players: readonly Player[], index: number): Player {
  const player = players[index % players.length];
  if (player === undefined) throw new Error('There are no players.');
  return player;
}

function report(healthy: readonly Seen[], down: readonly Seen[]): readonly string[] {
  const share = (seen: readonly Seen[]) =>
    (seen.filter(({ state }) => state === 'captured').length / seen.length) * 100;
  const times = (seen: readonly Seen[]) => seen.map(({ tookMs }) => tookMs);
  const line = (name: string, seen: readonly Seen[]) =>
    `${name}: ${share(seen).toFixed(1)} % approved of ${seen.length}, p50/p95/p99 ${spread(times(seen))} ms`;
  return [
    line('first PSP healthy', healthy),
    line('first PSP gone', down),
    verdict('approved share lost, in points', share(healthy) - share(down), { atMost: 2 }),
    verdict(
      'p95 to outcome, gone ÷ healthy',
      percentile(times(down), 0.95) / percentile(times(healthy), 0.95),
      {
        atMost: 2,
      },
    ),
  ];
}
