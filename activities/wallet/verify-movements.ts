/** What `verify` proves beyond sums and chains: that rows around the ledger and links inside it say what journals say. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import { assetOf } from '#domain/money.ts';
import { boughtFor, parseRate } from '#domain/wallet/exchange-rate.ts';
import type { Check } from './verify.ts';

const findingsMax = 20;

/** To be run in the verifier's snapshot. */
export async function checkMovements(db: Database): Promise<Check[]> {
  return [
    await checkTime(db),
    await checkClawbacks(db),
    await checkHolds(db),
    await checkAdjustments(db),
    await checkExchanges(db),
  ];
}

/** Balances at an instant and statements of a period rest on this. */
async function checkTime(db: Database): Promise<Check> {
  const { rows } = await sql<{ name: string; seq: bigint }>`
    select name, seq from (
      select e.player_id || '/' || e.asset || '/' || e.account as name, e.seq, j.occurred_at,
        lag(j.occurred_at) over (partition by e.player_id, e.asset, e.account order by e.seq) as before
      from wallet.entry e join wallet.journal j on j.id = e.journal_id where e.player_id is not null
    ) chained where occurred_at < before limit ${findingsMax}`.execute(db);
  return {
    name: 'time never runs backwards along a chain',
    covered: 'all chains',
    findings: rows.map(({ name, seq }) => `entry ${seq} of ${name} is older than the one before it`),
  };
}

async function checkClawbacks(db: Database): Promise<Check> {
  const { rows: stray } = await sql<{ id: string; code: string }>`
    select c.id, c.code from wallet.journal c left join wallet.journal o on o.id = c.answers
    where c.code in ('deposit.refund', 'deposit.refund-return', 'chargeback.open', 'chargeback.lose', 'chargeback.win') and (
      o.id is null or c.player_id is distinct from o.player_id or c.asset <> o.asset
      or (c.code in ('deposit.refund', 'chargeback.open') and o.code <> 'deposit.capture')
      or (c.code in ('chargeback.lose', 'chargeback.win') and (o.code <> 'chargeback.open' or c.amount <> o.amount))
      or (c.code = 'deposit.refund-return' and (o.code <> 'deposit.refund' or c.amount <> o.amount))
      or (c.code in ('chargeback.win', 'deposit.refund-return')) <> (c.reverses is not null) or c.reverses <> c.answers
    ) or c.code = 'deposit.capture' and c.answers is not null and (
      o.id is null or c.player_id is distinct from o.player_id or c.asset <> o.asset or o.code <> 'deposit.capture'
      or o.answers is not null
    ) limit ${findingsMax}`.execute(db);
  const { rows: over } = await sql<{ id: string; brought: string; back: string }>`
    select o.id, (o.amount + f.more)::text as brought, sum(c.amount)::text as back
    from wallet.journal c join wallet.journal o on o.id = c.answers
    cross join lateral (select coalesce(sum(more.amount), 0) as more from wallet.journal more
      where more.answers = o.id and more.code = 'deposit.capture') f
    where c.code in ('deposit.refund', 'chargeback.open')
      and not exists (select 1 from wallet.journal w where w.reverses = c.id)
    group by o.id, o.amount, f.more having sum(c.amount) > o.amount + f.more limit ${findingsMax}`.execute(
    db,
  );
  return {
    name: 'no deposit gives back more than it brought',
    covered: `${await countOf(db, ['deposit.refund', 'chargeback.open'])} refunds and chargebacks`,
    findings: [
      ...stray.map(({ id, code }) => `journal ${id} (${code}) does not fit what it answers`),
      ...over.map(({ id, brought, back }) => `deposit journal ${id} brought ${brought}, ${back} went back`),
    ],
  };
}

async function checkHolds(db: Database): Promise<Check> {
  const { rows } = await sql<{ id: string }>`
    with moved as (
      select j.subject, j.player_id, j.asset,
        coalesce(sum(j.amount) filter (where j.code = 'hold.place'), 0) as placed,
        coalesce(sum(j.amount) filter (where j.code = 'hold.capture'), 0) as captured,
        coalesce(sum(j.amount) filter (where j.code = 'hold.release'), 0) as released
      from wallet.journal j where j.code in ('hold.place', 'hold.capture', 'hold.release') group by 1, 2, 3
    ), parts as (
      select hold_id, sum(amount) as captured from wallet.hold_capture group by 1
    )
    select coalesce(h.id::text, m.subject) as id
    from wallet.hold h full join moved m on m.subject = 'hold:' || h.id
    left join parts p on p.hold_id = h.id
    where h.id is null or m.subject is null or m.player_id <> h.player_id or m.asset <> h.asset
      or m.placed <> h.amount or m.captured <> h.captured or m.released <> h.released
      or coalesce(p.captured, 0) <> h.captured
    limit ${findingsMax}`.execute(db);
  const { rows: counted } = await sql<{ n: bigint }>`select count(*) as n from wallet.hold`.execute(db);
  return {
    name: 'every hold equals its journals',
    covered: `${counted[0]?.n ?? 0} holds`,
    findings: rows.map(({ id }) => `hold ${id} does not say what its journals say`),
  };
}

async function checkAdjustments(db: Database): Promise<Check> {
  const { rows } = await sql<{ id: string }>`
    select coalesce(a.id, j.id) as id
    from (select * from wallet.adjustment where state = 'posted') a
    full join (select * from wallet.journal where code = 'adjustment.post') j on j.id = a.journal_id
    where a.id is null or j.id is null or j.player_id <> a.player_id or j.asset <> a.asset or j.amount <> a.amount
      or j.subject is distinct from 'adjustment:' || a.id
      or a.amount * case a.direction when 'credit' then 1 else -1 end is distinct from
        (select sum(e.amount) from wallet.entry e where e.journal_id = j.id and e.player_id is not null)
    limit ${findingsMax}`.execute(db);
  return {
    name: 'every correction was decided by a second person',
    covered: `${await countOf(db, ['adjustment.post'])} corrections`,
    findings: rows.map(({ id }) => `correction ${id} has no decision that fits it`),
  };
}

type ExchangeLine = {
  id: string;
  soldAsset: string;
  sold: string;
  boughtAsset: string;
  bought: string;
  rate: string;
  paid: string;
  got: string;
};

/** The amounts are computed anew from the stored rate, a page at a time. */
async function checkExchanges(db: Database): Promise<Check> {
  const findings: string[] = [];
  let exchanges = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const { rows } = await sql<ExchangeLine>`
      select x.id, x.sold_asset, x.sold, x.bought_asset, x.bought, x.rate,
        coalesce((select -sum(e.amount) from wallet.entry e
          where e.journal_id = x.journal_id and e.player_id = x.player_id and e.asset = x.sold_asset), 0)::text as paid,
        coalesce((select sum(e.amount) from wallet.entry e
          where e.journal_id = x.journal_id and e.player_id = x.player_id and e.asset = x.bought_asset), 0)::text as got
      from wallet.exchange x where x.id > ${after}::uuid order by x.id limit 1000`.execute(db);
    exchanges += rows.length;
    findings.push(
      ...rows.filter((row) => !isExact(row)).map(({ id }) => `exchange ${id} is not at its rate`),
    );
    const last = rows.at(-1);
    if (!last || findings.length >= findingsMax) break;
    after = last.id;
  }
  const { rows: stray } = await sql<{ id: string }>`
    select j.id from wallet.journal j where j.code = 'fx.exchange'
      and not exists (select 1 from wallet.exchange x where x.journal_id = j.id and x.player_id = j.player_id)
    limit ${findingsMax}`.execute(db);
  findings.push(...stray.map(({ id }) => `journal ${id} exchanges without a stored rate`));
  return { name: 'every exchange is at its stored rate', covered: `${exchanges} exchanges`, findings };
}

function isExact(row: ExchangeLine): boolean {
  const sold = assetOf(row.soldAsset);
  const bought = assetOf(row.boughtAsset);
  const rate = parseRate(row.rate);
  if (!sold.ok || !bought.ok || !rate.ok) return false;
  return (
    row.paid === row.sold &&
    row.got === row.bought &&
    boughtFor(BigInt(row.sold), sold.value, bought.value, rate.value) === BigInt(row.bought)
  );
}

async function countOf(db: Database, codes: readonly string[]): Promise<bigint> {
  const { n } = await db
    .selectFrom('wallet.journal')
    .select(sql<bigint>`count(*)`.as('n'))
    .where('code', 'in', [...codes])
    .executeTakeFirstOrThrow();
  return n;
}
