/** The money figures of a period, each by the definition of `domain/bi/kpi-dictionary.ts`, in units at ledger scale. */
import type { ClickHouseClient } from '@clickhouse/client';

export type KpiQuery = {
  /** Inclusive, YYYY-MM-DD in UTC. */
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
  readonly brand: string;
  readonly asset: string;
};

export type KpiFigures = {
  readonly ftd: number;
  readonly depositsCount: number;
  /** Captured. */
  readonly deposits: bigint;
  /** Of captured deposits, what went back to players and arrived. */
  readonly refunds: bigint;
  /** What cardholders' banks have taken back and not returned; a won dispute takes it off again. */
  readonly chargebacks: bigint;
  /** `deposits` less `refunds` and `chargebacks`. */
  readonly netDeposits: bigint;
  readonly withdrawals: bigint;
  readonly activePlayers: number;
  readonly stakes: bigint;
  readonly wins: bigint;
  readonly ggr: bigint;
  /** Of `stakes` and `ggr`, what was played with bonus money. */
  readonly bonusStakes: bigint;
  readonly bonusGgr: bigint;
  /** Bonus money that became cash, and free winnings paid as cash. */
  readonly bonusCost: bigint;
  /** Bonus money given, less what was forfeited. */
  readonly bonusIssued: bigint;
  readonly pspFees: bigint;
  /** What players paid for withdrawals. */
  readonly playerFees: bigint;
  /** What the house has put into jackpot pools, with bets and as seeds. */
  readonly jackpotContributions: bigint;
};

const period = `occurred_at >= toDateTime64({from: String}, 6, 'UTC') and occurred_at < toDateTime64({to: String}, 6, 'UTC') and brand = {brand: String}`;

const moneyQuery = `
select
  toString(-sumIf(units, code = 'deposit.capture' and startsWith(account, 'psp:'))) as deposits,
  uniqExactIf(journal_id, code = 'deposit.capture') as deposits_count,
  toString(sumIf(units, code in ('deposit.refund', 'deposit.refund-return') and startsWith(account, 'psp:'))) as refunds,
  -- Losing a dispute moves the money on inside our books; the player's deposit was gone when it was opened.
  toString(sumIf(units, code in ('chargeback.open', 'chargeback.win') and startsWith(account, 'psp:'))) as chargebacks,
  -- What a bank sent back was paid and is not any more.
  toString(sumIf(units, code in ('withdrawal.settle', 'withdrawal.return') and startsWith(account, 'psp:'))) as withdrawals,
  uniqExactIf(player_id, code in ('bet.place', 'book.place') and account = 'cash') as active_players,
  -- A rollback of a bet takes revenue back (negative), one of a win gives it back (positive).
  -- A void sports bet gives its stake back, and a correction moves what was paid, whatever it was paid for.
  toString(sumIf(units, account = 'house:casino:gaming' and (code = 'bet.place' or (code = 'bet.rollback' and units < 0))
    or account = 'house:sportsbook:gaming' and code in ('book.place', 'book.void'))) as stakes,
  toString(-sumIf(units, account = 'house:casino:gaming' and (code = 'bet.win' or (code = 'bet.rollback' and units > 0))
    or account = 'house:sportsbook:gaming' and code in ('book.settle', 'book.correct', 'book.cash-out'))) as wins,
  toString(sumIf(units, account in ('house:casino:gaming', 'house:sportsbook:gaming'))) as ggr,
  toString(-sumIf(units, account = 'bonus' and (code = 'bet.place' or (code = 'bet.rollback' and units > 0)))) as bonus_stakes,
  toString(-sumIf(units, account = 'bonus' and startsWith(code, 'bet.'))) as bonus_ggr,
  toString(-sumIf(units, account = 'house:bonus-cost' and code in ('bonus.award', 'bonus.forfeit', 'free.win', 'free.rollback'))) as bonus_issued,
  -- Free winnings that are bonus money cost something when they convert, those that are real money at once.
  toString(sumIf(units, code in ('bonus.convert', 'free.win', 'free.rollback') and account in ('cash', 'receivable'))) as bonus_cost,
  toString(-sumIf(units, account = 'house:psp-fees')) as psp_fees,
  toString(sumIf(units, account = 'house:player-fees')) as player_fees,
  toString(-sumIf(units, account = 'house:jackpot-cost')) as jackpot_contributions
from ledger_entry where ${period} and asset = {asset: String}`;

const ftdQuery = `
select uniqExact(player_id) as ftd from event
where type = 'payments.deposit.captured' and JSONExtractBool(payload, 'first')
  and JSONExtractString(payload, 'money', 'asset') = {asset: String} and ${period}`;

type MoneyRow = Record<
  | 'deposits'
  | 'deposits_count'
  | 'refunds'
  | 'chargebacks'
  | 'player_fees'
  | 'withdrawals'
  | 'active_players'
  | 'stakes'
  | 'wins'
  | 'ggr'
  | 'bonus_stakes'
  | 'bonus_ggr'
  | 'bonus_issued'
  | 'bonus_cost'
  | 'psp_fees'
  | 'jackpot_contributions',
  string
>;

export async function kpiFigures(clickhouse: ClickHouseClient, query: KpiQuery): Promise<KpiFigures> {
  const params = { ...query, from: `${query.from} 00:00:00`, to: `${query.to} 00:00:00` };
  const ask = async <T>(text: string): Promise<T | undefined> => {
    const result = await clickhouse.query({ query: text, query_params: params, format: 'JSONEachRow' });
    return (await result.json<T>())[0];
  };
  const [money, first] = await Promise.all([ask<MoneyRow>(moneyQuery), ask<{ ftd: string }>(ftdQuery)]);
  const units = (name: keyof MoneyRow): bigint => BigInt(money?.[name] ?? '0');
  return {
    ftd: Number(first?.ftd ?? 0),
    depositsCount: Number(money?.deposits_count ?? 0),
    activePlayers: Number(money?.active_players ?? 0),
    deposits: units('deposits'),
    refunds: units('refunds'),
    chargebacks: units('chargebacks'),
    netDeposits: units('deposits') - units('refunds') - units('chargebacks'),
    withdrawals: units('withdrawals'),
    stakes: units('stakes'),
    wins: units('wins'),
    ggr: units('ggr'),
    bonusStakes: units('bonus_stakes'),
    bonusGgr: units('bonus_ggr'),
    bonusCost: units('bonus_cost'),
    bonusIssued: units('bonus_issued'),
    pspFees: units('psp_fees'),
    playerFees: units('player_fees'),
    jackpotContributions: units('jackpot_contributions'),
  };
}
