/** Looks at a run of journals as an audit does: content, balance, chains, and the wallets that they touched. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { pools } from '#domain/wallet/chart.ts';
import { chainText } from '#domain/wallet/chain.ts';
import type { JournalLeaf } from '#domain/wallet/journal-leaf.ts';
import { leafFindings, readLeafPage } from '../log/verify-log.ts';

export type Examination = {
  readonly leaves: string[];
  readonly balances: string[];
  readonly chains: string[];
  readonly projections: string[];
  journals: number;
  entries: number;
  readonly wallets: Set<string>;
};

/** Journals per round trip: some of them in memory, and no statement long enough to be cut off. */
const pageLeaves = 2_000;

export const openExamination = (): Examination => ({
  leaves: [],
  balances: [],
  chains: [],
  projections: [],
  journals: 0,
  entries: 0,
  wallets: new Set(),
});

/** Adds what is wrong with the leaves from `first` to `next`, the end excluded. Every probe is by a key. */
export async function examineLeaves(
  db: Database,
  first: number,
  next: number,
  found: Examination,
): Promise<void> {
  for (let at = first; at < next; at += pageLeaves) {
    const page = await readLeafPage(db, at, Math.min(next, at + pageLeaves));
    found.leaves.push(...leafFindings(page).map(({ says }) => says));
    const journals = [...page.leaves.values()];
    found.journals += journals.length;
    found.balances.push(...journals.flatMap(imbalances));
    found.chains.push(...(await brokenLinks(db, journals, found)));
    found.projections.push(...(await driftedWallets(db, journals, found)));
  }
}

function imbalances(journal: JournalLeaf): string[] {
  const sums = new Map<string, bigint>();
  for (const { asset, amount } of journal.entries) sums.set(asset, (sums.get(asset) ?? 0n) + BigInt(amount));
  return [...sums]
    .filter(([, sum]) => sum !== 0n)
    .map(([asset, sum]) => `journal ${journal.id} is off by ${sum} units of ${asset}`);
}

type LinkRow = {
  playerId: string;
  asset: string;
  account: string;
  seq: bigint;
  before: string | null;
  previous: string | null;
};

/** Each entry against the one before it in its chain. */
async function brokenLinks(
  db: Database,
  journals: readonly JournalLeaf[],
  found: Examination,
): Promise<string[]> {
  const entries = journals.flatMap(({ id, entries: lines }) =>
    lines.flatMap(({ playerId, seq, ...line }) =>
      playerId === undefined || seq === undefined
        ? []
        : [{ ...line, journalId: id, playerId, seq: BigInt(seq) }],
    ),
  );
  found.entries += journals.reduce((sum, journal) => sum + journal.entries.length, 0);
  const later = entries.filter(({ seq }) => seq > 1n);
  const { rows } = await sql<LinkRow>`
    select k.player_id, k.asset, k.account, k.seq, p.balance_after as before, encode(p.hash, 'hex') as previous
    from unnest(${later.map(({ playerId }) => playerId)}::uuid[], ${later.map(({ asset }) => asset)}::text[],
      ${later.map(({ account }) => account)}::text[], ${later.map(({ seq }) => String(seq))}::bigint[]) as k(player_id, asset, account, seq)
    left join lateral (
      select e.balance_after, e.hash from wallet.entry e
      where e.player_id = k.player_id and e.asset = k.asset and e.account = k.account and e.seq = k.seq - 1 limit 1
    ) p on true`.execute(db);
  const linkOf = (entry: { playerId: string; asset: string; account: string; seq: bigint }): string =>
    `${entry.playerId}/${entry.asset}/${entry.account}/${entry.seq}`;
  const links = new Map(rows.map((row) => [linkOf(row), row]));
  return entries.flatMap((entry) => {
    const link = links.get(linkOf(entry));
    const where = `entry ${entry.seq} of ${entry.playerId}/${entry.asset}/${entry.account} (journal ${entry.journalId})`;
    if (entry.seq > 1n && (link?.previous ?? null) === null) return [`${where} follows nothing`];
    const balance = BigInt(link?.before ?? '0') + BigInt(entry.amount);
    if (balance !== BigInt(entry.balanceAfter ?? '0'))
      return [`${where} says ${entry.balanceAfter}, the entries say ${balance}`];
    const facts = { ...entry, amount: BigInt(entry.amount), balanceAfter: BigInt(entry.balanceAfter ?? '0') };
    const hash = createHash('sha256')
      .update(chainText(link?.previous ?? '', facts))
      .digest('hex');
    return hash === entry.hash ? [] : [`${where} does not have the hash of its content`];
  });
}

const poolColumns = pools.map((pool) => `('${pool}', w.${pool}, w.${pool}_seq, w.${pool}_head)`).join(', ');

/** Wallets whose row is not what the last entries of their chains say; one statement, so that no bet comes between. */
async function driftedWallets(
  db: Database,
  journals: readonly JournalLeaf[],
  found: Examination,
): Promise<string[]> {
  const keys = new Map<string, { playerId: string; asset: string }>();
  for (const { entries } of journals) {
    for (const { playerId, asset } of entries) {
      if (playerId === undefined || found.wallets.has(`${playerId}/${asset}`)) continue;
      keys.set(`${playerId}/${asset}`, { playerId, asset });
    }
  }
  for (const key of keys.keys()) found.wallets.add(key);
  const { rows } = await sql<{
    playerId: string;
    asset: string;
    account: string | null;
    shown: string | null;
    sum: string;
    shownSeq: bigint | null;
    seq: bigint;
  }>`
    select k.player_id, k.asset, p.account, p.balance as shown, coalesce(e.balance_after, 0)::text as sum, p.seq as shown_seq,
      coalesce(e.seq, 0) as seq
    from unnest(${[...keys.values()].map(({ playerId }) => playerId)}::uuid[], ${[...keys.values()].map(({ asset }) => asset)}::text[])
      as k(player_id, asset)
    left join wallet.player_wallet w on w.player_id = k.player_id and w.asset = k.asset
    left join lateral (values ${sql.raw(poolColumns)}) as p(account, balance, seq, head) on w.player_id is not null
    left join lateral (
      select c.seq, c.balance_after, c.hash from wallet.entry c
      where c.player_id = k.player_id and c.asset = k.asset and c.account = p.account order by c.seq desc limit 1
    ) e on true
    where p.account is null or p.balance <> coalesce(e.balance_after, 0) or p.seq <> coalesce(e.seq, 0)
      or p.head is distinct from e.hash`.execute(db);
  return rows.map((row) => {
    const name = `${row.playerId}/${row.asset}/${row.account ?? ''}`;
    if (row.account === null) return `${name} has entries and no wallet`;
    if (row.shown !== row.sum) return `${name} shows ${row.shown}, its entries sum to ${row.sum}`;
    if (row.shownSeq !== row.seq) return `${name} is at ${row.shownSeq}, its last entry is ${row.seq}`;
    return `${name} has a head that is not its last hash`;
  });
}
