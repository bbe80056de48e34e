/** What a bet costs in a large ledger, against the same bet in a small one: processor time, which noise moves little. */
import { onBareWriter, placeBets, type BareWriter } from './bare-writer.ts';
import type { Bench } from './bench-platform.ts';
import { fillLedger, settleLedger } from './fill-ledger.ts';
import { makeLoadPlayers } from './load-players.ts';
import { verdict } from './statistics.ts';

const smallPlayers = 1_000;
const seconds = 10;
const waiting = 64;
const entriesPerBet = 2;
const ratioMax = 1.25;

export const scale: Bench = {
  summary: 'cost of a bet with many players and entries against few: -- scale [players] [entries]',
  run: ([players, entries]) =>
    onBareWriter((bare) => measure(bare, Number(players ?? 1_000_000), Number(entries ?? 50_000_000))),
};

async function measure(bare: BareWriter, players: number, entries: number): Promise<readonly string[]> {
  const few = (await makeLoadPlayers(bare.url, smallPlayers)).map(({ id }) => id);
  const [sample] = few;
  if (sample === undefined) throw new Error('There is nobody to bet.');
  await placeBets(bare.wallet, few, 256, { bets: smallPlayers });
  const small = await costOfBet(bare, few);
  console.log(`${smallPlayers} players, no history: ${small.toFixed(0)} us a bet`);

  const bets = Math.ceil(entries / entriesPerBet);
  const startedAt = performance.now();
  const filled = await fillLedger(bare.url, sample, { players: players - smallPlayers, bets });
  const tookS = (performance.now() - startedAt) / 1_000;
  console.log(`${bets} bets of ${filled.length} players filled in ${tookS.toFixed(0)} s`);
  const many = [...few, ...filled];
  const large = await costOfBet(bare, many);
  console.log(`${many.length} players, ${entries} entries: ${large.toFixed(0)} us a bet`);
  return [
    verdict('large ledger ÷ small ledger, processor time of a bet', large / small, { atMost: ratioMax }),
  ];
}

/** Of PostgreSQL and of this process together, once both have had such bets for as long as they are measured. */
async function costOfBet({ url, wallet, spentUs }: BareWriter, players: readonly string[]): Promise<number> {
  await settleLedger(url);
  await placeBets(wallet, players, waiting, { seconds });
  const before = spentUs();
  const { tookMs } = await placeBets(wallet, players, waiting, { seconds });
  const after = spentUs();
  const each = (part: 'postgres' | 'own'): number => (after[part] - before[part]) / tookMs.length;
  console.log(
    `PostgreSQL ${each('postgres').toFixed(0)} us and this process ${each('own').toFixed(0)} us a bet`,
  );
  return each('postgres') + each('own');
}
