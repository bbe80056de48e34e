/** Bad days for the cascade bench: weather at each PSP that changes every few seconds, and processes that are killed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from '#platform/platform.ts';
import { callJson } from '#sandbox/demo/http.ts';
import { psps, type Psp, type PspAddresses } from './cascade-fates.ts';

type Weather = {
  readonly name: string;
  readonly scenario?: object;
  readonly refuseMs?: number;
  /** Where a request may vanish so that only the PSP's longest processing time proves it. */
  readonly losesRequests?: true;
};

const webhooks: readonly Weather[] = [
  { name: 'webhooks threefold', scenario: { webhook: { copies: 3 } } },
  { name: 'webhooks late', scenario: { webhook: { delayMs: 2_500 } } },
  { name: 'webhooks reordered', scenario: { webhook: { reorder: true, copies: 2 } } },
  { name: 'webhooks lost', scenario: { webhook: { lose: true } } },
  { name: 'answers after webhooks', scenario: { mode: 'slow', latencyMs: 1_500 } },
];
const outages: readonly Weather[] = [
  { name: 'port closed', refuseMs: 2_500 },
  { name: '429', scenario: { mode: 'rate_limited' } },
  { name: '503', scenario: { mode: 'outage' }, losesRequests: true },
  { name: 'dropped before', scenario: { mode: 'drop' }, losesRequests: true },
];

/** Short: most deposits of a bench that lasts minutes should still be made in some order. */
const outageMs = 2_500;
const webhookWeatherMs = 4_000;

export const setScenario = (address: string, scenario: object): Promise<unknown> =>
  patiently(() => callJson(`${address}/_scenario`, { method: 'PUT', body: scenario }));

/** The PSP itself may be down for a moment. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === 60) throw error;
      await delay(500);
    }
  }
}

/**
 * Changes the weather at a PSP until `signal` says stop, then leaves fair weather. Gamma answers "not found" from an
 * index and so can never prove that a lost request was lost: a person would be told after a day, which no bench can wait for.
 */
export async function weatherAt(
  psp: Psp,
  address: string,
  dice: () => number,
  isQuick: boolean,
  signal: AbortSignal,
  seen: Map<string, number>,
): Promise<void> {
  const mayLose = psp === 'beta' || (psp === 'alpha' && !isQuick);
  const bad = outages.filter(({ losesRequests }) => mayLose || losesRequests !== true);
  const sleep = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const isOutage = dice() < 0.25;
    const from = isOutage ? bad : webhooks;
    const weather = from[Math.floor(dice() * from.length)];
    if (weather === undefined) break;
    seen.set(`${psp}: ${weather.name}`, (seen.get(`${psp}: ${weather.name}`) ?? 0) + 1);
    if (weather.scenario !== undefined) await setScenario(address, weather.scenario);
    if (weather.refuseMs !== undefined)
      await patiently(() =>
        callJson(`${address}/_scenario/refuse`, { body: { durationMs: weather.refuseMs } }),
      );
    await sleep(isOutage ? outageMs : webhookWeatherMs);
    await setScenario(address, {});
    await sleep(isOutage ? 4_000 : 1_000);
  }
  await setScenario(address, {});
}

/** Sends everything that was lost on its way, as a PSP does for days. */
export async function resendWebhooks(at: PspAddresses): Promise<void> {
  for (const psp of psps) {
    await setScenario(at[psp], {});
    await callJson(`${at[psp]}/_scenario/webhooks/resend`, { method: 'POST' });
  }
}

/** Which process dies next: workers most of all, the others now and then. */
const victims = ['worker', 'worker', 'api', 'worker', 'psp-alpha', 'worker', 'relay', 'worker', 'psp-beta'];
const betweenKillsMs = 20_000;

/** Kills `kills` processes with SIGKILL, spread over the progress of the run; what dies comes back by itself. */
export async function killProcesses(
  platform: Pick<Platform, 'kill'>,
  kills: number,
  progress: () => number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const killed: string[] = [];
  for (let index = 0; index < kills; index += 1) {
    while (!signal.aborted && progress() < (index + 1) / (kills + 1)) await delay(100);
    if (signal.aborted) break;
    const victim = victims[index % victims.length] ?? 'worker';
    platform.kill(victim, 'SIGKILL');
    killed.push(victim);
    await delay(betweenKillsMs, undefined, { signal }).catch(() => {});
  }
  return killed;
}
