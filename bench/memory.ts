/** Whether the API process keeps its size while signed bets arrive for ten minutes. */
import { setTimeout as delay } from 'node:timers/promises';
import { loadDevSecrets } from '#platform/dev-secrets.ts';
import type { Platform } from '#platform/platform.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { startChild, type Child } from './child.ts';
import { makeLoadPlayers } from './load-players.ts';
import { median, verdict } from './statistics.ts';
import type { LoadOrder, LoadResult } from './wallet-load.ts';

const players = 10_000;
/** A burst's bets are signed before they are sent, so the load comes in bursts. */
const burstS = 20;
const betsPerBurst = 30_000;
const minutesWanted = 10;
/** Of resident memory, last third against the third before: the first third fills caches. */
const growthMax = 1.1;

export const memory: Bench = {
  summary: 'resident memory and heap of the API under signed bets: -- memory [minutes]',
  run: ([minutes]) => onPlatform((platform) => measure(platform, Number(minutes ?? minutesWanted))),
};

type Sample = { readonly atS: number; readonly residentMiB: number; readonly heapMiB: number };

async function measure(platform: Platform, minutes: number): Promise<readonly string[]> {
  const { api, postgres } = platform.runJson;
  const load = startChild('./wallet-load.ts', platform.environment);
  try {
    const order: LoadOrder = {
      ports: [Number(new URL(api).port)],
      connections: 64,
      seconds: burstS,
      betsMax: betsPerBurst,
      privateKey: loadDevSecrets(platform.home).hub88.studioPrivateKey,
      players: await makeLoadPlayers(postgres.owner, players),
      order: 'at random',
    };
    const samples = await sampleUnderLoad(api, load, order, minutes * 60);
    return report(samples);
  } finally {
    await load.end();
  }
}

async function sampleUnderLoad(
  api: string,
  load: Child,
  order: LoadOrder,
  seconds: number,
): Promise<readonly Sample[]> {
  const startedAt = performance.now();
  const atS = () => (performance.now() - startedAt) / 1_000;
  const samples: Sample[] = [];
  let bets = 0;
  console.log('\n  second       bets   resident MiB   heap MiB');
  while (atS() < seconds) {
    load.send(order);
    await load.next();
    load.send('go');
    const done = load.next();
    let isOver = false;
    void done.finally(() => (isOver = true));
    const seen: Sample[] = [];
    while (!isOver) {
      seen.push({ atS: atS(), ...(await readMemory(api)) });
      await Promise.race([done, delay(1_000)]);
    }
    const result = (await done) as LoadResult;
    if (result.refused > 0) throw new Error(`A bet was refused: ${result.refusal}`);
    bets += result.bets;
    samples.push(...seen);
    const columns = [median(seen.map((s) => s.residentMiB)), median(seen.map((s) => s.heapMiB))];
    console.log(
      `${atS().toFixed(0).padStart(8)} ${String(bets).padStart(10)}   ${columns.map((value) => value.toFixed(0).padStart(12)).join('')}`,
    );
  }
  return samples;
}

async function readMemory(api: string): Promise<Pick<Sample, 'residentMiB' | 'heapMiB'>> {
  const text = await (await fetch(`${api}/metrics`)).text();
  const valueOf = (name: string): number => {
    const written = new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(text)?.[1];
    if (written === undefined) throw new Error(`The API tells no ${name}.`);
    return Number(written) / 2 ** 20;
  };
  return {
    residentMiB: valueOf('pitboss_process_resident_memory_bytes'),
    heapMiB: valueOf('pitboss_nodejs_heap_size_used_bytes'),
  };
}

function report(samples: readonly Sample[]): readonly string[] {
  const endS = samples.at(-1)?.atS ?? 0;
  const third = (index: number, of: (sample: Sample) => number): number =>
    median(samples.filter(({ atS }) => Math.min(2, Math.floor((atS / endS) * 3)) === index).map(of));
  const growth = (of: (sample: Sample) => number) => third(2, of) / third(1, of);
  return [
    verdict(
      'resident memory, last third ÷ third before',
      growth((sample) => sample.residentMiB),
      { atMost: growthMax },
    ),
    `heap in use, last third ÷ third before: ${growth((sample) => sample.heapMiB).toFixed(2)}`,
  ];
}
