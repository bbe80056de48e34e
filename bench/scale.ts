/** What a bet costs in a large ledger, against the same bet in a small one: processor time, which noise moves little. */
import { onBareWriter, placeBets, type BareWriter } from './bare-writer.ts';
import type { Bench } from './bench-platform.ts';
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
  const few = await makePlayers(bare, smallPlayers);
  await placeBets(bare.wallet, few, 256, { bets: smallPlayers });
  const small = await costOfBet(bare, few);
  console.log(`${smallPlayers} players, no history: ${small.toFixed(0)} us a bet`);

  const many = [...few, ...(await makePlayers(bare, players - smallPlayers))];
  const bets = Math.ceil(entries / entriesPerBet);
  const filled = await placeBets(bare.wallet, many, 1_024, { bets });
  console.log(`${bets} bets of ${many.length} players filled in ${filled.tookS.toFixed(0)} s`);
  const large = await costOfBet(bare, many);
  console.log(`${many.length} players, ${entries} entries: ${large.toFixed(0)} us a bet`);
  return [
    verdict('large ledger ÷ small ledger, processor time of a bet', large / small, { atMost: ratioMax }),
  ];
}

const makePlayers = async ({ url }: BareWriter, count: number): Promise<string[]> =>
  (await makeLoadPlayers(url, count)).map(({ id }) => id);

/** Of PostgreSQL and of this process together. */
async function costOfBet({ wallet, spentUs }: BareWriter, players: readonly string[]): Promise<number> {
  const before = spentUs();
  const { tookMs } = await placeBets(wallet, players, waiting, { seconds });
  const after = spentUs();
  return (after.postgres - before.postgres + after.own - before.own) / tookMs.length;
}
