/** Proves the sportsbook against the ledger: every bet's stake and payout are the sums of its journals, and none stands alone. */
import { sql } from 'kysely';
import type { Database } from '#db/connect.ts';
import type { Check } from './verify.ts';

const findingsMax = 20;

export async function checkBets(db: Database): Promise<Check> {
  const { rows } = await sql<{
    subject: string;
    stake: string | null;
    payout: string | null;
    staked: string | null;
    paid: string | null;
  }>`
    with moved as (
      select subject, player_id, asset, sum(amount) filter (where code = 'book.place') as staked,
        coalesce(sum(amount) filter (where code <> 'book.place'), 0) as paid
      from wallet.journal where code like 'book.%' group by 1, 2, 3
    ),
    bets as (select 'bet:' || id as subject, player_id, asset, stake, payout from games.bet)
    select subject, b.stake, b.payout, m.staked, m.paid
    from bets b full join moved m using (subject, player_id, asset)
    where b.stake is distinct from m.staked or b.payout is distinct from m.paid
    limit ${findingsMax}`.execute(db);
  const { rows: counted } = await sql<{ n: bigint }>`select count(*) as n from games.bet`.execute(db);
  return {
    name: 'every bet equals its journals',
    covered: `${counted[0]?.n ?? 0} bets`,
    findings: rows.map(
      ({ subject, stake, payout, staked, paid }) =>
        `${subject}: staked ${stake ?? 'nothing'} for ${staked ?? 'nothing'}, paid ${payout ?? 'nothing'} for ${paid ?? 'nothing'}`,
    ),
  };
}
