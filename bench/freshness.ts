/** How long a committed fact takes to be seen in ClickHouse while bets arrive at a steady rate. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { createClickHouse } from '#analytics/connect.ts';
import { loadDevSecrets } from '#platform/dev-secrets.ts';
import type { Platform } from '#platform/platform.ts';
import { loadConfig } from '#workers/config.ts';
import { openBetConnection } from './bet-connection.ts';
import { onPlatform, type Bench } from './bench-platform.ts';
import { makeLoadPlayers } from './load-players.ts';
import { makeSignedBets } from './signed-bets.ts';
import { percentile, spread, verdict } from './statistics.ts';

const ratePerS = 200;
const seconds = 30;
const connections = 8;
const pollMs = 20;
const patienceMs = 20_000;
const p95MsMax = 1_000;

export const freshness: Bench = {
  summary: `commit to visible in ClickHouse at ${ratePerS} events a second for ${seconds} s`,
  run: () => onPlatform(measure),
};

async function measure(platform: Platform): Promise<readonly string[]> {
  const config = loadConfig(platform.environment);
  const players = await makeLoadPlayers(config.database.writerUrl.reveal(), 100);
  const port = Number(new URL(platform.runJson.api).port);
  const { studioPrivateKey } = loadDevSecrets(platform.home).hub88;
  const bets = await makeSignedBets(studioPrivateKey, `127.0.0.1:${port}`, players, ratePerS * seconds);
  const clickhouse = createClickHouse(config);
  try {
    const watch = new EventWatch(clickhouse, players.length);
    await watch.begin();
    const stop = new AbortController();
    const watching = watch.run(stop.signal);
    const tookS = await placeAtRate(port, bets);
    const until = performance.now() + patienceMs;
    while (watch.latenciesMs.length < bets.length && performance.now() < until) await delay(100);
    stop.abort();
    await watching;
    return report(watch, bets.length, tookS);
  } finally {
    await clickhouse.close();
  }
}

function report(watch: EventWatch, expected: number, tookS: number): readonly string[] {
  const { latenciesMs, pollsMs } = watch;
  if (latenciesMs.length !== expected)
    throw new Error(`${expected} bets, but ${latenciesMs.length} of them in ClickHouse.`);
  console.log(`\n${expected} bets in ${tookS.toFixed(1)} s: ${(expected / tookS).toFixed(0)} a second`);
  console.log(`a poll of ClickHouse p50/p95/p99: ${spread(pollsMs)} ms, every ${pollMs} ms`);
  const perSlice = Math.ceil(expected / 5);
  for (let from = 0; from < expected; from += perSlice) {
    const slice = latenciesMs.slice(from, from + perSlice);
    console.log(`  facts ${from + 1} to ${from + slice.length}: p50/p95/p99 ${spread(slice)} ms`);
  }
  console.log(
    `commit to visible p50/p95/p99: ${spread(latenciesMs)} ms, slowest ${Math.max(...latenciesMs).toFixed(0)} ms`,
  );
  return [verdict('freshness p95', percentile(latenciesMs, 0.95), { atMost: p95MsMax }, ' ms')];
}

/** Sends each bet at its due time whatever the answers do, and fails on the first refusal. */
async function placeAtRate(port: number, bets: readonly Buffer[]): Promise<number> {
  const open = await Promise.all(Array.from({ length: connections }, () => openBetConnection(port)));
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    open.map(async (connection) => {
      for (let index = next++; index < bets.length; index = next++) {
        const waitMs = startedAt + (index * 1_000) / ratePerS - performance.now();
        if (waitMs > 0) await delay(waitMs);
        const bet = bets[index];
        if (bet === undefined) return;
        const answer = await connection.send(bet);
        if (!answer.isAccepted) throw new Error(`A bet was refused: ${answer.text}`);
      }
    }),
  );
  const tookS = (performance.now() - startedAt) / 1_000;
  for (const connection of open) connection.close();
  return tookS;
}

/** Asks ClickHouse again and again and notes when each fact was in an answer for the first time. */
class EventWatch {
  /** Milliseconds from a fact's time, which the writing statement stamps just before its commit. */
  readonly latenciesMs: number[] = [];
  readonly pollsMs: number[] = [];
  readonly #client: ClickHouseClient;
  readonly #rowsBefore: number;
  #rows = 0;
  readonly #seen = new Set<string>();

  constructor(client: ClickHouseClient, rowsBefore: number) {
    this.#client = client;
    this.#rowsBefore = rowsBefore;
  }

  /** Waits until what was there before has arrived. */
  async begin(): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      this.#rows = await this.#count();
      if (this.#rows >= this.#rowsBefore) {
        for (const { id } of await this.#newest(this.#rows)) this.#seen.add(id);
        return;
      }
      await delay(100);
    }
    throw new Error('The facts of the preparation did not arrive in ClickHouse.');
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now();
      const rows = await this.#count();
      const seenAtMs = Date.now();
      this.pollsMs.push(performance.now() - startedAt);
      if (rows > this.#rows) await this.#note(rows, seenAtMs);
      await delay(Math.max(0, pollMs - (performance.now() - startedAt)));
    }
  }

  async #note(rows: number, seenAtMs: number): Promise<void> {
    const arrived = (await this.#newest(rows - this.#rows)).filter(({ id }) => !this.#seen.has(id));
    // A block that arrived between the two questions waits for the next round: it would seem too fast.
    const fresh = arrived.slice(-(rows - this.#rows));
    for (const { id, at } of fresh) {
      this.#seen.add(id);
      this.latenciesMs.push(seenAtMs - Number(at) / 1_000);
    }
    this.#rows = rows;
  }

  /** By the relay's order, newest first; a few more, because blocks are ordered by transaction and not by time. */
  #newest(count: number): Promise<{ id: string; at: string }[]> {
    return this.#ask(
      `select toString(event_id) as id, toString(toUnixTimestamp64Micro(occurred_at)) as at from event
       where type = 'wallet.journal.posted' order by xid desc, id desc limit ${count + 200}`,
    );
  }

  async #count(): Promise<number> {
    const [row] = await this.#ask<{ rows: string }>(
      `select toString(count()) as rows from event where type = 'wallet.journal.posted'`,
    );
    return Number(row?.rows ?? 0);
  }

  async #ask<T>(query: string): Promise<T[]> {
    return (await this.#client.query({ query, format: 'JSONEachRow' })).json<T>();
  }
}
