/** What a bet costs in a large ledger, against the same bet in a small one: processor time, which noise moves little. */
import type { WalletWriter } from '#activities/wallet/writer.ts';
import { onBareWriter, placeBets, type BareWriter } from './bare-writer.ts';
import type { Bench } from './bench-platform.ts';
import { fillLedger, onClient, settleLedger } from './fill-ledger.ts';
import { makeLoadPlayers } from './load-players.ts';
import { verdict } from './statistics.ts';

const smallPlayers = 1_000;
const seconds = 10;
/**
 * Bets come first until a page that they write to has been written to since the last checkpoint, as nearly all have
 * between checkpoints half an hour apart: so many whole pages a bet are then left in the log.
 */
const wholePagesMax = 0.2;
const warmingSeconds = { least: 30, most: 600 };
const waiting = 64;
const entriesPerBet = 2;
const ratioMax = 1.25;

/**
 * As a server is set up that holds a ledger of this size (`docs/runbooks/large-ledger.md`): a quarter of the memory of these
 * machines for pages, and checkpoints seldom enough that not every write of a page is its first one since.
 */
const serverOfThatSize = { shared_buffers: '6GB', max_wal_size: '16GB', checkpoint_timeout: '30min' };

export const scale: Bench = {
  summary: 'cost of a bet with many players and entries against few: -- scale [players] [entries]',
  run: ([players, entries]) =>
    onBareWriter(
      (bare) => measure(bare, Number(players ?? 1_000_000), Number(entries ?? 50_000_000)),
      serverOfThatSize,
    ),
};

async function measure(bare: BareWriter, players: number, entries: number): Promise<readonly string[]> {
  console.log(`huge pages for the server's buffers: ${await hugePages(bare.url)}`);
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

/** Of PostgreSQL and of this process together, once both have had such bets for a while. */
async function costOfBet({ url, wallet, spentUs }: BareWriter, players: readonly string[]): Promise<number> {
  await settleLedger(url);
  await warmUp(url, wallet, players);
  const [before, workBefore] = [spentUs(), await serverWork(url)];
  const { tookMs } = await placeBets(wallet, players, waiting, { seconds });
  const [after, workAfter] = [spentUs(), await serverWork(url)];
  const each = (part: 'postgres' | 'own'): number => (after[part] - before[part]) / tookMs.length;
  console.log(
    `PostgreSQL ${each('postgres').toFixed(0)} us and this process ${each('own').toFixed(0)} us a bet`,
  );
  const some = (part: keyof ServerWork): string =>
    ((workAfter[part] - workBefore[part]) / tookMs.length).toFixed(2);
  console.log(
    `${some('pagesFound')} pages found and ${some('pagesRead')} read; into the log ${some('logBytes')} bytes, ${some('wholePages')} whole pages a bet`,
  );
  return each('postgres') + each('own');
}

async function warmUp(url: string, wallet: WalletWriter, players: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  const lastedS = (): number => (performance.now() - startedAt) / 1_000;
  let wholePages: number;
  do {
    const before = await serverWork(url);
    const { tookMs } = await placeBets(wallet, players, waiting, { seconds: warmingSeconds.least });
    wholePages = ((await serverWork(url)).wholePages - before.wholePages) / tookMs.length;
  } while (wholePages > wholePagesMax && lastedS() < warmingSeconds.most);
  console.log(`after ${lastedS().toFixed(0)} s of bets ${wholePages.toFixed(2)} whole pages a bet`);
}

type ServerWork = Readonly<Record<'pagesFound' | 'pagesRead' | 'logBytes' | 'wholePages', number>>;

/** `on` or `off`: with them, the processor finds a page at random for less. See `docs/runbooks/large-ledger.md`. */
const hugePages = (url: string): Promise<string> =>
  onClient(url, async (client) => {
    const { rows } = await client.query<{ state: string }>(
      "select current_setting('huge_pages_status') as state",
    );
    return rows[0]?.state ?? 'unknown';
  });

/** What the server has counted so far; sessions report within a second. */
const serverWork = (url: string): Promise<ServerWork> =>
  onClient(url, async (client) => {
    const { rows } = await client.query<Record<keyof ServerWork, string>>(
      `select blks_hit as "pagesFound", blks_read as "pagesRead", wal_bytes as "logBytes", wal_fpi as "wholePages"
         from pg_stat_wal, pg_stat_database where datname = current_database()`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('The server has counted nothing.');
    return {
      pagesFound: Number(row.pagesFound),
      pagesRead: Number(row.pagesRead),
      logBytes: Number(row.logBytes),
      wholePages: Number(row.wholePages),
    };
  });
