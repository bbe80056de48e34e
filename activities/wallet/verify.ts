/** Proves the ledger of a live database: sums, chains, projections, rounds and movements, naming what is wrong first. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { pools } from '#domain/wallet/chart.ts';
import { chainText } from '#domain/wallet/chain.ts';
import { checkMovements } from './verify-movements.ts';
import { checkLog } from './log/verify-log.ts';
import { checkBets } from './verify-bets.ts';

export type Check = {
  readonly name: string;
  /** How much was looked at, in the words of the check. */
  readonly covered: string;
  /** What is wrong, first finding first; empty when the check holds. */
  readonly findings: readonly string[];
  /** Of a check of journals and entries: the earliest in ledger order that is wrong. */
  readonly first?: BadJournal | null;
};

/** Ids of journals are time-ordered, so the least of them is the earliest. */
export type BadJournal = { readonly journalId: string; readonly says: string };

/** The first bad journal or entry in ledger order; null when there is none. */
export const firstBadOf = (checks: readonly Check[]): string | null =>
  checks.reduce<BadJournal | null>((before, { first }) => earlier(before, first ?? null), null)?.says ?? null;

const earlier = (one: BadJournal | null, other: BadJournal | null): BadJournal | null =>
  one === null || (other !== null && other.journalId < one.journalId) ? other : one;

const findingsMax = 20;
const pageRows = 5_000;

/**
 * Runs every check in one repeatable-read snapshot, so that bets in flight cannot look like errors. `trustedKeys` are
 * verifier keys (`name+id+key`) of checkpoints; without them the keys that the database itself names are used.
 */
export async function verifyLedger(db: Database, trustedKeys: readonly string[] = []): Promise<Check[]> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (snapshot) => {
      await sql`set local statement_timeout = 0`.execute(snapshot);
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(snapshot);
      return [
        await checkJournals(snapshot),
        await checkTotals(snapshot),
        ...(await checkChains(snapshot)),
        await checkReversals(snapshot),
        await checkRounds(snapshot),
        ...(await checkMovements(snapshot)),
        ...(await checkLog(snapshot, trustedKeys)),
        await checkBets(snapshot),
      ];
    });
}

async function checkJournals(db: Database): Promise<Check> {
  const { rows } = await sql<{ id: string; asset: string; off: string }>`
    select journal_id as id, asset, sum(amount)::text as off from wallet.entry
    group by 1, 2 having sum(amount) <> 0 order by 1, 2 limit ${findingsMax}`.execute(db);
  const { rows: counted } = await sql<{
    journals: bigint;
  }>`select count(*) as journals from wallet.journal`.execute(db);
  const bad = rows.map((row) => ({
    journalId: row.id,
    says: `journal ${row.id} is off by ${row.off} units of ${row.asset}`,
  }));
  return {
    name: 'every journal balances',
    covered: `${counted[0]?.journals ?? 0} journals`,
    findings: bad.map(({ says }) => says),
    first: bad[0] ?? null,
  };
}

async function checkTotals(db: Database): Promise<Check> {
  const { rows } = await sql<{ asset: string; total: string }>`
    select asset, sum(amount)::text as total from wallet.entry group by 1 order by 1`.execute(db);
  return {
    name: 'the trial balance is zero',
    covered: `${rows.length} assets`,
    findings: rows
      .filter((row) => BigInt(row.total) !== 0n)
      .map((row) => `${row.asset} sums to ${row.total} units`),
  };
}

type ChainRow = {
  playerId: string;
  asset: string;
  account: string;
  seq: bigint;
  journalId: string;
  amount: string;
  balanceAfter: string;
  hash: Buffer;
};

type ChainEnd = { readonly seq: bigint; readonly balance: bigint; readonly hash: string };

async function checkChains(db: Database): Promise<Check[]> {
  const chainFindings: string[] = [];
  let first: BadJournal | null = null;
  const ends = new Map<string, ChainEnd>();
  let entries = 0;
  for await (const row of chainedEntries(db)) {
    entries += 1;
    const name = `${row.playerId}/${row.asset}/${row.account}`;
    const before = ends.get(name) ?? { seq: 0n, balance: 0n, hash: '' };
    const balance = before.balance + BigInt(row.amount);
    const facts = { ...row, amount: BigInt(row.amount), balanceAfter: BigInt(row.balanceAfter) };
    const expected = createHash('sha256').update(chainText(before.hash, facts)).digest('hex');
    const where = `entry ${row.seq} of ${name} (journal ${row.journalId})`;
    const wrong =
      row.seq !== before.seq + 1n
        ? `follows ${before.seq}`
        : BigInt(row.balanceAfter) !== balance
          ? `says ${row.balanceAfter}, the entries say ${balance}`
          : row.hash.toString('hex') === expected
            ? null
            : 'does not have the hash of its content';
    if (wrong !== null) {
      // All chains are read to the end, since the earliest entry may be in the last of them.
      const says = `${where} ${wrong}`;
      if (chainFindings.length < findingsMax) chainFindings.push(says);
      first = earlier(first, { journalId: row.journalId, says });
    }
    ends.set(name, { seq: row.seq, balance, hash: row.hash.toString('hex') });
  }
  return [
    {
      name: 'every chain holds',
      covered: `${entries} entries of ${ends.size} accounts`,
      findings: chainFindings,
      first,
    },
    await checkProjections(db, ends),
  ];
}

/** All chained entries in chain order, a page at a time, so that memory stays flat. */
async function* chainedEntries(db: Database): AsyncGenerator<ChainRow> {
  let after = { playerId: '00000000-0000-0000-0000-000000000000', asset: '', account: '', seq: 0n };
  for (;;) {
    const { rows } = await sql<ChainRow>`
      select player_id, asset, account, seq, journal_id, amount, balance_after, hash from wallet.entry
      where player_id is not null
        and (player_id, asset, account, seq) > (${after.playerId}::uuid, ${after.asset}, ${after.account}, ${after.seq.toString()}::bigint)
      order by player_id, asset, account, seq limit ${pageRows}`.execute(db);
    yield* rows;
    const end = rows.at(-1);
    if (!end || rows.length < pageRows) return;
    after = end;
  }
}

async function checkProjections(db: Database, ends: ReadonlyMap<string, ChainEnd>): Promise<Check> {
  const findings: string[] = [];
  const wallets = await db.selectFrom('wallet.playerWallet').selectAll().execute();
  const seen = new Set<string>();
  for (const wallet of wallets) {
    for (const pool of pools) {
      const name = `${wallet.playerId}/${wallet.asset}/${pool}`;
      seen.add(name);
      const end = ends.get(name) ?? { seq: 0n, balance: 0n, hash: '' };
      if (BigInt(wallet[pool]) !== end.balance)
        findings.push(`${name} shows ${wallet[pool]}, its entries sum to ${end.balance}`);
      if (wallet[`${pool}Seq`] !== end.seq)
        findings.push(`${name} is at ${wallet[`${pool}Seq`]}, its last entry is ${end.seq}`);
      if ((wallet[`${pool}Head`]?.toString('hex') ?? '') !== end.hash)
        findings.push(`${name} has a head that is not its last hash`);
    }
  }
  for (const name of ends.keys()) if (!seen.has(name)) findings.push(`${name} has entries and no wallet`);
  return {
    name: 'every balance equals its entries',
    covered: `${wallets.length} wallets`,
    findings: findings.slice(0, findingsMax),
  };
}

async function checkReversals(db: Database): Promise<Check> {
  const { rows } = await sql<{ id: string; reverses: string }>`
    select r.id, r.reverses from wallet.journal r join wallet.journal o on o.id = r.reverses
    where (r.code, o.code) not in (('bet.rollback', 'bet.place'), ('bet.rollback', 'bet.win'),
                                   ('free.rollback', 'free.win'), ('chargeback.win', 'chargeback.open'),
                                   ('deposit.refund-return', 'deposit.refund'))
       or r.player_id is distinct from o.player_id or r.asset <> o.asset or r.amount <> o.amount
    order by r.id limit ${findingsMax}`.execute(db);
  const { rows: counted } = await sql<{
    n: bigint;
  }>`select count(*) as n from wallet.journal where reverses is not null`.execute(db);
  const bad = rows.map((row) => ({
    journalId: row.id,
    says: `journal ${row.id} does not fit ${row.reverses}`,
  }));
  return {
    name: 'every reversal undoes what it names',
    covered: `${counted[0]?.n ?? 0} reversals`,
    findings: bad.map(({ says }) => says),
    first: bad[0] ?? null,
  };
}

async function checkRounds(db: Database): Promise<Check> {
  const { rows } = await sql<{
    round: string;
    hasRow: boolean;
    staked: string;
    won: string;
    expectedStaked: string;
    expectedWon: string;
  }>`
    with moved as (
      select j.integration, j.round_ref, j.player_id,
        sum(case when j.code = 'bet.place' then j.amount when j.code = 'bet.rollback' and o.code = 'bet.place' then -j.amount else 0 end) as staked,
        sum(case when j.code in ('bet.win', 'free.win') then j.amount when o.code in ('bet.win', 'free.win') then -j.amount else 0 end) as won
      from wallet.journal j left join wallet.journal o on o.id = j.reverses
      where j.round_ref is not null group by 1, 2, 3
    )
    select round_ref as round, r.state is not null as has_row, coalesce(r.staked, 0) as staked, coalesce(r.won, 0) as won,
      coalesce(m.staked, 0) as expected_staked, coalesce(m.won, 0) as expected_won
    from games.round r full join moved m using (integration, round_ref, player_id)
    where coalesce(r.staked, 0) <> coalesce(m.staked, 0) or coalesce(r.won, 0) <> coalesce(m.won, 0)
    order by integration, round_ref, player_id limit ${findingsMax}`.execute(db);
  const { rows: counted } = await sql<{ n: bigint }>`select count(*) as n from games.round`.execute(db);
  return {
    name: 'every round equals its journals',
    covered: `${counted[0]?.n ?? 0} rounds`,
    findings: rows.map((row) =>
      row.hasRow
        ? `round ${row.round}: staked ${row.staked} for ${row.expectedStaked}, won ${row.won} for ${row.expectedWon}`
        : `round ${row.round} has journals and no row`,
    ),
  };
}
