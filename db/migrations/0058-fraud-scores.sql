-- The fraud score of every payment, as it was computed: by which version of the scorecard, on which inputs, and why.
create table risk.scoring (
  -- deposit:{id}, withdrawal:{id}, withdrawal:{id}:payout
  subject text primary key,
  player_id uuid not null references pam.player,
  brand text not null,
  rule_version_id uuid not null references backoffice.rule_version,
  -- By the scorecard.
  computed smallint not null check (computed between 0 and 1000),
  -- A score that was given and held then stands before the computed one.
  given smallint check (given between 0 and 1000),
  score smallint not null generated always as (coalesce(given, computed)) stored,
  -- Of `score`.
  band text not null check (band in ('accept', 'review', 'refuse')),
  -- [{"row": …, "points": …}] of the rows that held.
  points jsonb not null,
  inputs jsonb not null,
  trace jsonb not null,
  shadow_version_id uuid references backoffice.rule_version,
  shadow_computed smallint check (shadow_computed between 0 and 1000),
  took_us integer not null check (took_us >= 0),
  scored_at timestamptz not null default now(),
  check ((shadow_version_id is null) = (shadow_computed is null))
);
create index scoring_by_player on risk.scoring (player_id, scored_at desc, subject);
create index scoring_by_brand on risk.scoring (brand, scored_at desc, subject);
call compliance.make_append_only('risk.scoring');

create index dispute_by_player on payments.dispute (player_id);
create index fraud_alert_by_player on payments.fraud_alert (player_id);

-- What a scorecard is asked on beside the facts of the payer, read in the transaction of the payment. Bounded counts: the
-- scorecard needs to know that it is many, not how many.
create function risk.facts_of_payment(payer uuid, address inet, asked_asset text, asked numeric)
returns jsonb language sql stable as $$
  with linked as (
    select distinct o.player_id from pam.device v
    join pam.device o on o.device_id = v.device_id and o.player_id <> v.player_id
    where v.player_id = payer limit 100
  ),
  usual as (
    select amount from payments.deposit
    where player_id = payer and asset = asked_asset and state = 'captured'
    order by captured_at desc limit 20
  ),
  refused as (
    select a.card_fingerprint from payments.deposit d join payments.attempt a on a.deposit_id = d.id
    where d.player_id = payer and d.requested_at > now() - interval '24 hours' and a.state = 'declined' and a.sent_at is not null
    limit 1000
  )
  select jsonb_build_object(
    'linkedDevice', (select count(*) from linked),
    'linkedIp', case when address is not null then (select count(distinct u.payer) from (
      select d.player_id as payer from payments.payment_use p
      join payments.deposit d on d.id = split_part(p.payment, ':', 2)::uuid
      where p.subject = 'ip:' || host(address) and p.flow = 'deposit' and p.used_at > now() - interval '24 hours'
        and d.player_id <> facts_of_payment.payer
      limit 1000) u) end,
    'usualBps', (select case when count(*) >= 3 then least(trunc(asked * 10000 / avg(amount)), 1000000000)::bigint end from usual),
    'declines', (select count(*) from refused),
    'declinedCards', (select count(distinct card_fingerprint) from refused),
    'chargebacks', (select count(*) from payments.dispute d
      where d.player_id = payer and d.stage <> 'inquiry' and d.status <> 'won'),
    'fraudReports', (select count(*) from payments.fraud_alert f
      where f.player_id = payer and f.state <> 'dismissed'),
    'linkedFraud', (select count(*) from linked l where exists (select from payments.dispute d
        where d.player_id = l.player_id and d.stage <> 'inquiry' and d.status <> 'won')
      or exists (select from payments.fraud_alert f
        where f.player_id = l.player_id and f.state <> 'dismissed')))
$$;
