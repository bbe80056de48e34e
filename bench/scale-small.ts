/** The small ledger of `bench scale`, in a process and on a server of its own: each message gets what a bet costs here. */
import { on } from 'node:events';
import { onBareWriter, placeBets, type BareWriter } from './bare-writer.ts';
import { costOfBet, hugePages, warmUp } from './bet-cost.ts';
import { settleLedger } from './fill-ledger.ts';
import { makeLoadPlayers } from './load-players.ts';

const players = 1_000;
/** All of it fits, and checkpoints are as seldom as those of the large ledger. */
const settings = { shared_buffers: '1GB', max_wal_size: '16GB', checkpoint_timeout: '30min' };

// The parent says so as well, and the server has to be stopped first.
process.on('SIGTERM', () => {});
const orders = on(process, 'message', { close: ['disconnect'] });
await onBareWriter(answer, { settings });
process.exit(0);

async function answer(bare: BareWriter): Promise<void> {
  const few = (await makeLoadPlayers(bare.url, players)).map(({ id }) => id);
  await settleLedger(bare.url);
  await placeBets(bare.wallet, few, 256, { bets: players });
  const warmed = await warmUp(bare, few);
  process.send?.(`small ledger: huge pages ${await hugePages(bare.url)}; ${warmed}`);
  for await (const [order] of orders) {
    if (order === 'end') return;
    process.send?.(await costOfBet(bare, few));
  }
}
