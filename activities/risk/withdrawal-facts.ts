/** Reads from the primary what a withdrawal is judged by; one statement, so that the facts belong together. */
import { sql } from 'kysely';
import { publicAddress } from '#activities/public-address.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import type { Units } from '#domain/money.ts';
import type { WithdrawalFacts } from '#domain/risk/withdrawal-rules.ts';

export type WithdrawalAsk = {
  readonly withdrawalId: string;
  readonly playerId: string;
  readonly asset: string;
  readonly requested: Units;
};

type Row = {
  brand: string;
  accountAgeHours: number;
  paidBefore: string;
  deposited: string;
  recentlyDeposited: string;
  withdrawn: string;
  recentlyStaked: string;
  devices: number;
  linkedPlayers: number;
  isAddressNew: boolean;
  lastIp: string | null;
};

/** Throws `not-found` when there is no such player. */
export async function readWithdrawalFacts(
  trx: Trx,
  ask: WithdrawalAsk,
): Promise<{ brand: string; facts: WithdrawalFacts }> {
  const { rows } = await sql<Row>`
    select p.brand,
      floor(extract(epoch from now() - p.registered_at) / 3600)::int as account_age_hours,
      w.paid_before, w.withdrawn, d.deposited, d.recently_deposited,
      (select coalesce(sum(j.amount), 0) from wallet.journal j
        where j.player_id = p.id and j.asset = ${ask.asset} and j.code = 'bet.place'
          and j.occurred_at > now() - interval '90 days'
          and not exists (select 1 from wallet.journal r where r.reverses = j.id))
        -- A sports bet that is void was no stake, and one that was bought back may have risked nothing.
        + (select coalesce(sum(b.stake), 0) from games.bet b
        where b.player_id = p.id and b.asset = ${ask.asset} and b.placed_at > now() - interval '90 days'
          and (b.outcome is null or b.outcome in ('won', 'lost'))) as recently_staked,
      (select count(*)::int from pam.device v where v.player_id = p.id) as devices,
      (select count(distinct o.player_id)::int from pam.device v
        join pam.device o on o.device_id = v.device_id and o.player_id <> v.player_id
        where v.player_id = p.id) as linked_players,
      coalesce(p.registered_at < now() - interval '1 day' and last_ip.first_seen_at > now() - interval '1 day', false)
        as is_address_new, last_ip.address as last_ip
    from pam.player p
    cross join lateral (
      select coalesce(sum(amount), 0) as deposited,
        coalesce(sum(amount) filter (where captured_at > now() - interval '90 days'), 0) as recently_deposited
      from payments.deposit
      where player_id = p.id and asset = ${ask.asset} and state = 'captured') d
    cross join lateral (
      select count(*) as paid_before, coalesce(sum(amount) filter (where asset = ${ask.asset}), 0) as withdrawn
      from payments.withdrawal
      where player_id = p.id and state in ('paid', 'partly-paid') and id <> ${ask.withdrawalId}) w
    left join lateral (
      select host(n.ip) as address, (select min(s.opened_at) from pam.session s
        where s.player_id = p.id and s.ip = n.ip) as first_seen_at
      from pam.session n where n.player_id = p.id order by n.opened_at desc limit 1) last_ip on true
    where p.id = ${ask.playerId}
  `.execute(trx);
  const row = rows[0];
  if (!row) throw new FailureError(fail('not-found', 'There is no such player.').failure);
  return {
    brand: row.brand,
    facts: {
      accountAgeHours: row.accountAgeHours,
      isFirstWithdrawal: BigInt(row.paidBefore) === 0n,
      requested: ask.requested,
      deposited: BigInt(row.deposited),
      withdrawn: BigInt(row.withdrawn),
      recentlyDeposited: BigInt(row.recentlyDeposited),
      recentlyStaked: BigInt(row.recentlyStaked),
      devices: row.devices,
      linkedPlayers: row.linkedPlayers,
      // A proxy of ours that was started anew has a new address, whoever stands behind it.
      isAddressNew: row.isAddressNew && publicAddress(row.lastIp) !== null,
    },
  };
}
