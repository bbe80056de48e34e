/** Processor time of a bet, of PostgreSQL and of the writer, and what it made the server do. */
import { placeBets, type BareWriter } from './bare-writer.ts';
import { onClient } from './fill-ledger.ts';

const seconds = 10;
const settlingSeconds = 2;
const waiting = 64;
/**
 * Bets come first until a page that they write to has been written to since the last checkpoint, as nearly all have
 * between checkpoints half an hour apart: so many whole pages a bet are then left in the log.
 */
const wholePagesMax = 0.2;
const warmingSeconds = { least: 30, most: 600 };

type ServerWork = Readonly<Record<'pagesFound' | 'pagesRead' | 'logBytes' | 'wholePages', number>>;

/** For each bet; processor time in microseconds. */
export type BetCost = ServerWork & { readonly postgres: number; readonly own: number };

export const totalUs = ({ postgres, own }: BetCost): number => postgres + own;

/** One line for people. */
export const told = (cost: BetCost): string =>
  `${totalUs(cost).toFixed(0)} us a bet, ${cost.postgres.toFixed(0)} of PostgreSQL and ${cost.own.toFixed(0)} of this process; ` +
  `pages ${cost.pagesFound.toFixed(1)} found and ${cost.pagesRead.toFixed(2)} read; ` +
  `log ${cost.logBytes.toFixed(0)} bytes, ${cost.wholePages.toFixed(2)} whole pages`;

/** Bets of anybody at random; those of the first moments count for nothing. */
export async function costOfBet(
  { url, wallet, spentUs }: BareWriter,
  players: readonly string[],
): Promise<BetCost> {
  await placeBets(wallet, players, waiting, { seconds: settlingSeconds });
  const [before, workBefore] = [spentUs(), await serverWork(url)];
  const { tookMs } = await placeBets(wallet, players, waiting, { seconds });
  const [after, workAfter] = [spentUs(), await serverWork(url)];
  const each = (part: keyof ServerWork): number => (workAfter[part] - workBefore[part]) / tookMs.length;
  return {
    postgres: (after.postgres - before.postgres) / tookMs.length,
    own: (after.own - before.own) / tookMs.length,
    pagesFound: each('pagesFound'),
    pagesRead: each('pagesRead'),
    logBytes: each('logBytes'),
    wholePages: each('wholePages'),
  };
}

/** Bets until the log is as that of a server between two checkpoints, or for ten minutes. Says how it went. */
export async function warmUp({ url, wallet }: BareWriter, players: readonly string[]): Promise<string> {
  const startedAt = performance.now();
  const lastedS = (): number => (performance.now() - startedAt) / 1_000;
  let wholePages: number;
  do {
    const before = await serverWork(url);
    const { tookMs } = await placeBets(wallet, players, waiting, { seconds: warmingSeconds.least });
    wholePages = ((await serverWork(url)).wholePages - before.wholePages) / tookMs.length;
  } while (wholePages > wholePagesMax && lastedS() < warmingSeconds.most);
  return `after ${lastedS().toFixed(0)} s of bets ${wholePages.toFixed(2)} whole pages a bet`;
}

/** `on` or `off`: with them, the processor finds a page at random for less. See `docs/runbooks/large-ledger.md`. */
export const hugePages = (url: string): Promise<string> =>
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
