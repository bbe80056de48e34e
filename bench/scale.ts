/**
 * What a bet costs in a large ledger, against the same bet in a small one: processor time, of both in turns, since a
 * machine that others share may be a third slower half an hour later.
 */
import { totalmem } from 'node:os';
import { onBareWriter, placeBets, type BareWriter } from './bare-writer.ts';
import type { Bench } from './bench-platform.ts';
import { costOfBet, hugePages, told, totalUs, warmUp, type BetCost } from './bet-cost.ts';
import { startChild } from './child.ts';
import { fillLedger, settleLedger } from './fill-ledger.ts';
import { makeLoadPlayers } from './load-players.ts';
import { median, verdict } from './statistics.ts';

const rounds = 5;
const samplePlayers = 1;
const entriesPerBet = 2;
const ratioMax = 1.25;

const buffersMb = Math.floor((totalmem() / 2 ** 20) * 0.4);

/**
 * As the parts are set up for a ledger of this size (`docs/runbooks/large-ledger.md`): two fifths of the memory for
 * pages, checkpoints by the clock and not by the size of the log, so that not every write of a page is its first one
 * since, and a writer that remembers everybody.
 */
const partsOfThatSize = {
  settings: { shared_buffers: `${buffersMb}MB`, max_wal_size: '48GB', checkpoint_timeout: '30min' },
  walletsCachedMax: 1_000_000,
};

export const scale: Bench = {
  summary: 'cost of a bet with many players and entries against few: -- scale [players] [entries]',
  run: ([players, entries]) =>
    onBareWriter(
      (bare) => measure(bare, Number(players ?? 1_000_000), Number(entries ?? 50_000_000)),
      partsOfThatSize,
    ),
};

async function measure(large: BareWriter, players: number, entries: number): Promise<readonly string[]> {
  console.log(`huge pages for the server's buffers: ${await hugePages(large.url)}`);
  const small = startChild('./scale-small.ts', process.env);
  try {
    console.log(await small.next());
    const many = await fill(large, players, entries);
    await settleLedger(large.url);
    console.log(await warmUp(large, many));
    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      small.send('go');
      const few = (await small.next()) as BetCost;
      const cost = await costOfBet(large, many);
      const ratio = totalUs(cost) / totalUs(few);
      ratios.push(ratio);
      console.log(`small ${told(few)}`);
      console.log(`large ${told(cost)}: ${ratio.toFixed(2)}`);
    }
    return [
      verdict('large ledger ÷ small ledger, processor time of a bet', median(ratios), { atMost: ratioMax }),
    ];
  } finally {
    await small.end();
  }
}

async function fill(large: BareWriter, players: number, entries: number): Promise<readonly string[]> {
  const [sample] = await makeLoadPlayers(large.url, samplePlayers);
  if (sample === undefined) throw new Error('There is nobody to bet.');
  // The one bet that is copied.
  await placeBets(large.wallet, [sample.id], 1, { bets: 1 });
  const bets = Math.ceil(entries / entriesPerBet);
  const startedAt = performance.now();
  const filled = await fillLedger(large.url, sample.id, { players: players - samplePlayers, bets });
  const tookS = (performance.now() - startedAt) / 1_000;
  console.log(`${bets} bets of ${filled.length} players filled in ${tookS.toFixed(0)} s`);
  return [sample.id, ...filled];
}
