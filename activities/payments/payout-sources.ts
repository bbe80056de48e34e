/** What a player has paid in and has not got back, per instrument: what the closed loop goes by. */
import { sql } from 'kysely';
import type { Database, Trx } from '#db/connect.ts';
import type { PayoutSource } from '#domain/payments/payout-plan.ts';
import { walletPlanDays } from '#domain/payments/wallet-payout.ts';

type Row = {
  instrumentId: string | null;
  depositId: string | null;
  deposited: string;
  net: string;
  isPayable: boolean;
};

export type DepositedSource = PayoutSource & { readonly hasDeposited: boolean };

/**
 * Oldest deposit first. A refund or a chargeback makes a deposit none; a leg that came back is no payout. Transfers come
 * from an account of the player's that we do not know by itself, so they count for the newest account that the player
 * has registered. Where a chain's deposit came from is no place to pay to (an exchange's common wallet): the player's own
 * addresses are one source, and it is the one that is named. A wallet gets its money back by the charges that it paid in
 * by, so each of them is a source; an account that has paid for somebody else, too, is nobody's own. For whatever else came without an instrument there is
 * nothing to pay back to.
 * @param named the instrument that the money is asked for
 * @param except a withdrawal whose own legs do not count
 */
export async function readSources(
  trx: Database | Trx,
  {
    playerId,
    asset,
    named,
    except,
  }: {
    readonly playerId: string;
    readonly asset: string;
    readonly named: string;
    readonly except: string | null;
  },
): Promise<readonly DepositedSource[]> {
  const { rows } = await sql<Row>`
    with account as (
      select id from payments.instrument where player_id = ${playerId} and kind = 'bank-account'
      order by created_at desc, id limit 1),
    address as (
      select id from payments.instrument where id = ${named} and kind = 'crypto-address'),
    deposit as (
      select d.id, coalesce(d.captured_amount, d.amount) as amount, d.captured_at,
        coalesce(d.instrument_id, case d.method
          when 'bank-transfer' then (select id from account)
          when 'crypto' then (select id from address) end) as instrument_id,
        case when d.method = 'e-wallet' then d.id end as charge
      from payments.deposit d
      where d.player_id = ${playerId} and d.asset = ${asset} and d.state = 'captured'),
    -- A movement that was undone is answered by a journal that reverses it.
    back as (
      select d.instrument_id, d.charge, sum(j.amount) as amount
      from deposit d
      join wallet.journal c on c.integration = 'pitboss' and c.external_id = 'deposit:' || d.id || ':capture'
      join wallet.journal j on j.answers = c.id and j.code in ('deposit.refund', 'chargeback.open')
      where not exists (select 1 from wallet.journal w where w.reverses = j.id)
      group by d.instrument_id, d.charge),
    -- A wallet's charge is also spoken for by refunds that wait for somebody's word; they have no journal yet.
    asked as (
      select r.deposit_id as charge, sum(r.amount) as amount
      from payments.refund r join deposit d on d.charge = r.deposit_id
      where r.second_charge is null and r.state in ('requested', 'awaiting-approval', 'approved')
      group by 1),
    paid as (
      select case when i.kind = 'crypto-address' then coalesce((select id from address), i.id) else i.id end as instrument_id,
        l.deposit_id as charge, sum(l.amount - l.fee) as amount
      from payments.withdrawal w join payments.withdrawal_leg l on l.withdrawal_id = w.id
        join payments.instrument i on i.id = l.instrument_id
      where w.player_id = ${playerId} and w.asset = ${asset} and l.state in ('planned', 'paid')
        and w.id is distinct from ${except}::uuid
      group by 1, 2),
    source as (
      select instrument_id, charge, sum(amount) as deposited, min(captured_at) as first_at
      from deposit group by instrument_id, charge)
    select s.instrument_id, s.charge as deposit_id, s.deposited,
      s.deposited - coalesce(b.amount, 0) - coalesce(p.amount, 0) - coalesce(a.amount, 0) as net,
      coalesce(case i.kind
        when 'card' then i.expiry_year is null
          or make_date(i.expiry_year, i.expiry_month, 1) + interval '1 month' > now()
        when 'bank-account' then ${asset} = 'EUR'
        when 'e-wallet' then s.first_at > now() - make_interval(days => ${walletPlanDays}) and not exists (
          select from payments.instrument o
          where o.kind = 'e-wallet' and o.token = i.token and o.player_id <> i.player_id)
        else true end, false) as is_payable
    from source s
    left join back b on b.instrument_id is not distinct from s.instrument_id and b.charge is not distinct from s.charge
    left join paid p on p.instrument_id = s.instrument_id and p.charge is not distinct from s.charge
    left join asked a on a.charge = s.charge
    left join payments.instrument i on i.id = s.instrument_id
    order by s.first_at, s.instrument_id, s.charge`.execute(trx);
  return rows.map(({ instrumentId, depositId, deposited, net, isPayable }) => ({
    instrumentId,
    depositId,
    net: BigInt(net),
    isPayable,
    hasDeposited: BigInt(deposited) > 0n,
  }));
}
