/** The batch writer alone, without HTTP and signatures: what of a bet is PostgreSQL's and what is our own. */
import { openAnchor } from './anchor.ts';
import { onBareWriter, placeBets, type BareWriter } from './bare-writer.ts';
import type { Bench } from './bench-platform.ts';
import { makeLoadPlayers } from './load-players.ts';
import { percentile, spread } from './statistics.ts';

const players = 10_000;
const seconds = 5;
const waitingAtOnce = [64, 256];

export const writer: Bench = {
  summary: 'bets a second of the batch writer in this process, against pgbench with a single-bet function',
  run: () => onBareWriter(measure),
};

async function measure({ url, wallet, spentUs }: BareWriter): Promise<readonly string[]> {
  const funded = (await makeLoadPlayers(url, players)).map(({ id }) => id);
  const anchor = await openAnchor(url);
  const report: string[] = [];
  try {
    await placeBets(wallet, funded, 256, { bets: players });
    for (const waiting of waitingAtOnce) {
      const anchored = await anchor.run(64, seconds);
      const before = spentUs();
      const { tookMs, tookS } = await placeBets(wallet, funded, waiting, { seconds });
      const after = spentUs();
      const bets = tookMs.length;
      console.log(
        `${waiting} waiting: ${(bets / tookS).toFixed(0)} bets/s, p50/p95/p99 ${spread(tookMs, 1)} ms; ` +
          `processor us a bet: PostgreSQL ${((after.postgres - before.postgres) / bets).toFixed(0)}, ` +
          `own ${((after.own - before.own) / bets).toFixed(0)}; ` +
          `anchor ${anchored.betsPerS.toFixed(0)}/s, p99 ${percentile(anchored.tookMs, 0.99).toFixed(1)} ms`,
      );
      report.push(`${waiting} waiting ÷ anchor: ${(bets / tookS / anchored.betsPerS).toFixed(2)}`);
    }
    return report;
  } finally {
    await anchor.close();
  }
}
