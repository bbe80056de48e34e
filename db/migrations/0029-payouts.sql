-- Withdrawals that are split: legs to several instruments out of one hold, fees, who may approve how much, and the
-- order in which PSPs are asked to pay.

-- What a player pays for a withdrawal; without a row it is free. The highest version is in force.
create table payments.withdrawal_fee_term (
  -- A brand, or * for all that have none of their own.
  brand text not null,
  method text not null,
  asset text not null references wallet.asset,
  version integer not null check (version > 0),
  bps integer not null check (bps between 0 and 10000),
  -- Units at ledger scale.
  fixed numeric(38, 0) not null check (fixed >= 0),
  -- Withdrawals by this method in a calendar month (UTC) that cost nothing.
  free_per_month smallint not null default 0 check (free_per_month >= 0),
  published_at timestamptz not null default now(),
  primary key (brand, method, asset, version)
);
call compliance.make_append_only('payments.withdrawal_fee_term');

alter table payments.withdrawal
  add column fee numeric(38, 0) not null default 0 check (fee >= 0),
  -- {brand} {version} of the term that the fee comes from, null where none was in force.
  add column fee_term text,
  -- It used up one of the month's free ones.
  add column fee_waived boolean not null default false,
  add check (fee < amount);

-- A share of the hold and where it goes. Payout attempts 1 to 99 are those of leg 1, 101 to 199 those of leg 2.
create table payments.withdrawal_leg (
  withdrawal_id uuid not null references payments.withdrawal,
  leg smallint not null check (leg between 1 and 40),
  instrument_id uuid not null references payments.instrument,
  -- Of the hold; the fee is in it, the rest of it is paid out.
  amount numeric(38, 0) not null check (amount > 0),
  fee numeric(38, 0) not null check (fee >= 0 and fee < amount),
  -- A leg that could not be paid, whose money goes here instead.
  replaces smallint,
  state text not null default 'planned' check (state in ('planned', 'paid', 'released', 'rerouted', 'returned')),
  reason text,
  paid_psp text,
  closed_at timestamptz,
  primary key (withdrawal_id, leg),
  unique (withdrawal_id, replaces),
  foreign key (withdrawal_id, replaces) references payments.withdrawal_leg,
  check (replaces < leg),
  check ((state = 'planned') = (closed_at is null)),
  check ((state in ('paid', 'returned')) = (paid_psp is not null))
);
create index withdrawal_leg_by_instrument on payments.withdrawal_leg (instrument_id);

insert into payments.withdrawal_leg (withdrawal_id, leg, instrument_id, amount, fee, state, reason, paid_psp, closed_at)
select w.id, 1, w.instrument_id, w.amount, 0,
  case when w.state = 'paid' and exists (select 1 from payments.bank_transfer t
      where t.withdrawal_id = w.id and t.state = 'returned') then 'returned'
    when w.state = 'paid' then 'paid' when w.closed_at is not null then 'released' else 'planned' end,
  case when w.state in ('refused', 'cancelled') then w.reason end,
  case when w.state = 'paid' then w.paid_psp end, w.closed_at
from payments.withdrawal w;

create trigger withdrawal_leg_states before update on payments.withdrawal_leg for each row execute function payments.guard_state(
  'planned>paid planned>released planned>rerouted paid>returned');
create trigger withdrawal_leg_content before update or delete on payments.withdrawal_leg for each row execute function
  payments.refuse_other_content('withdrawal_id leg instrument_id amount fee replaces');

-- What is approved is what is paid: after the request only a leg that takes another one's place may come.
create function payments.check_leg() returns trigger language plpgsql as $$
declare
  target payments.withdrawal;
  before payments.withdrawal_leg;
begin
  select * into target from payments.withdrawal where id = new.withdrawal_id for update;
  if not exists (select 1 from payments.instrument where id = new.instrument_id and player_id = target.player_id) then
    raise exception 'withdrawal % may go to its own player only', new.withdrawal_id
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.replaces is null then
    if target.state <> 'requested' then
      raise exception 'withdrawal % is %: its legs are fixed', new.withdrawal_id, target.state
        using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  select * into before from payments.withdrawal_leg where withdrawal_id = new.withdrawal_id and leg = new.replaces;
  if before.state <> 'rerouted' or (before.amount, before.fee) is distinct from (new.amount, new.fee)
     or new.instrument_id <> target.instrument_id then
    raise exception 'leg % of withdrawal % does not take the place of leg %', new.leg, new.withdrawal_id, new.replaces
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger withdrawal_leg_checked before insert on payments.withdrawal_leg
  for each row execute function payments.check_leg();

-- At commit the legs are the withdrawal, to the unit: no share is lost and none is paid twice.
create function payments.check_legs_add_up() returns trigger language plpgsql as $$
declare
  target payments.withdrawal;
  legs numeric;
  fees numeric;
begin
  select * into target from payments.withdrawal where id = new.withdrawal_id;
  select coalesce(sum(amount), 0), coalesce(sum(fee), 0) into legs, fees
    from payments.withdrawal_leg where withdrawal_id = new.withdrawal_id and state <> 'rerouted';
  if legs <> target.amount or fees <> target.fee then
    raise exception 'the legs of withdrawal % are % with fees of %, not % with %',
      new.withdrawal_id, legs, fees, target.amount, target.fee using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
create constraint trigger withdrawal_legs_add_up after insert or update on payments.withdrawal_leg
  deferrable initially deferred for each row execute function payments.check_legs_add_up();

-- An end for a withdrawal of which some legs were paid and others were given back.
alter table payments.withdrawal drop constraint withdrawal_state_check;
alter table payments.withdrawal add constraint withdrawal_state_check check (state in
  ('requested', 'checking', 'awaiting-approval', 'approved', 'submitted', 'paid', 'partly-paid', 'refused', 'cancelled', 'parked'));
alter table payments.withdrawal drop constraint withdrawal_check;
alter table payments.withdrawal add constraint withdrawal_closed_check
  check ((state in ('paid', 'partly-paid', 'refused', 'cancelled')) = (closed_at is not null));
drop trigger withdrawal_states on payments.withdrawal;
create trigger withdrawal_states before update on payments.withdrawal for each row execute function payments.guard_state(
  'requested>checking requested>cancelled requested>refused checking>awaiting-approval checking>approved checking>refused checking>cancelled checking>parked awaiting-approval>approved awaiting-approval>refused awaiting-approval>cancelled approved>submitted approved>cancelled approved>refused approved>parked submitted>paid submitted>partly-paid submitted>refused submitted>parked parked>submitted parked>paid parked>partly-paid parked>refused');
drop trigger withdrawal_content on payments.withdrawal;
create trigger withdrawal_content before update or delete on payments.withdrawal for each row execute function
  payments.refuse_other_content('id player_id brand jurisdiction jurisdiction_version asset amount instrument_id fingerprint payload_hash cancellable fee fee_term fee_waived');

create function payments.check_end() returns trigger language plpgsql as $$
declare
  paid integer;
  total integer;
begin
  if new.state not in ('approved', 'paid', 'partly-paid') or new.state = old.state then
    return new;
  end if;
  select count(*) filter (where state in ('paid', 'returned')), count(*) into paid, total
    from payments.withdrawal_leg where withdrawal_id = new.id and state <> 'rerouted';
  if total = 0 or (new.state = 'paid' and paid <> total) or (new.state = 'partly-paid' and paid not between 1 and total - 1) then
    raise exception 'withdrawal % cannot be %: % of % legs are paid', new.id, new.state, paid, total
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger withdrawal_end_checked before update on payments.withdrawal
  for each row execute function payments.check_end();

alter table payments.payout_attempt drop constraint payout_attempt_number_check;
alter table payments.payout_attempt
  add constraint payout_attempt_number_check check (number between 1 and 3999 and number % 100 <> 0),
  add column leg smallint not null generated always as ((number - 1) / 100 + 1) stored,
  -- The player's token at this PSP; null on rows of older builds: then it is that of the leg's instrument.
  add column token text,
  add column decline_class text;
drop index payments.payout_open_or_paid;
-- A second payout of a leg is impossible while one is open, and after one was paid.
create unique index payout_open_or_paid on payments.payout_attempt (withdrawal_id, leg)
  where state in ('started', 'pending', 'unknown', 'paid');
create index payout_attempt_recent on payments.payout_attempt (started_at);

-- The order in which PSPs are asked to pay a leg, decided once, just before the first is asked.
create table payments.payout_routing_decision (
  withdrawal_id uuid not null,
  leg smallint not null,
  brand text not null,
  -- Null where no rules were live, or the code could not read what was; then nothing of them is kept below.
  rule_version_id uuid references backoffice.rule_version,
  inputs jsonb,
  trace jsonb,
  row_name text,
  bucket smallint check (bucket between 0 and 9999),
  -- As decided, and what is left of it where the player has a token.
  psps text[] not null,
  options jsonb not null,
  shadow_version_id uuid references backoffice.rule_version,
  shadow_psps text[],
  took_us integer check (took_us >= 0),
  decided_at timestamptz not null default now(),
  primary key (withdrawal_id, leg),
  foreign key (withdrawal_id, leg) references payments.withdrawal_leg,
  check (num_nulls(rule_version_id, inputs, trace, bucket, took_us) in (0, 5)),
  check ((shadow_version_id is null) = (shadow_psps is null))
);
create index payout_routing_decision_by_brand
  on payments.payout_routing_decision (brand, decided_at desc, withdrawal_id desc, leg desc);
call compliance.make_append_only('payments.payout_routing_decision');

-- Up to what a role may approve a withdrawal. The nearest row decides: the brand's own before *, the asset's own before *;
-- of several versions the highest. Without a row the role approves nothing; a null amount has no end.
create table payments.approver_band (
  brand text not null,
  role text not null,
  asset text not null,
  version integer not null check (version > 0),
  amount_max numeric(38, 0) check (amount_max >= 0),
  published_at timestamptz not null default now(),
  primary key (brand, role, asset, version)
);
call compliance.make_append_only('payments.approver_band');

create function payments.may_approve(for_brand text, for_role text, for_asset text, amount numeric)
returns boolean language sql stable as $$
  select coalesce((select band.amount_max is null or amount <= band.amount_max
    from payments.approver_band band
    where band.role = for_role and band.brand in (for_brand, '*') and band.asset in (for_asset, '*')
    order by (band.brand <> '*') desc, (band.asset <> '*') desc, band.version desc limit 1), false)
$$;

-- About 5,000 and 50,000 euros at the ledger scale of 12 of every fiat asset; 18 for ether and its like is not listed.
insert into payments.approver_band (brand, role, asset, version, amount_max)
select '*', role, asset, 1, euros * per_euro * 10::numeric ^ 12
from (values ('payments', 5000), ('risk', 5000), ('payments-lead', 50000)) as r(role, euros),
  (values ('EUR', 1), ('USD', 1), ('GBP', 1), ('CHF', 1), ('CAD', 1.5), ('AUD', 1.5), ('NZD', 2), ('SEK', 10), ('NOK', 10),
    ('DKK', 7.5), ('PLN', 4), ('CZK', 25), ('HUF', 400), ('RON', 5), ('BRL', 6), ('MXN', 20), ('INR', 90), ('ZAR', 20),
    ('JPY', 150), ('KRW', 1500), ('CLP', 1000), ('VND', 25000), ('KWD', 0.3), ('BHD', 0.4), ('USDT', 1), ('USDC', 1))
    as a(asset, per_euro)
union all select '*', 'admin', '*', 1, null;

create or replace function payments.check_approval() returns trigger language plpgsql as $$
declare
  target payments.withdrawal;
begin
  select * into target from payments.withdrawal where id = new.withdrawal_id for update;
  if target.state <> 'awaiting-approval' then
    raise exception 'withdrawal % is %', new.withdrawal_id, target.state using errcode = 'integrity_constraint_violation';
  end if;
  if target.payload_hash <> new.payload_hash then
    raise exception 'withdrawal % is not what was approved', new.withdrawal_id using errcode = 'integrity_constraint_violation';
  end if;
  if target.player_id = new.operator_id then
    raise exception 'nobody approves a payment to himself' using errcode = 'integrity_constraint_violation';
  end if;
  if new.decision = 'approve' and not payments.may_approve(target.brand, new.role, target.asset, target.amount) then
    raise exception 'withdrawal % is above the band of %', new.withdrawal_id, new.role
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;

-- What people said about a work item, and the proof that it was closed by.
create table payments.work_item_comment (
  id uuid primary key,
  work_item_id uuid not null references payments.work_item,
  operator_id uuid not null,
  comment text not null check (length(comment) between 3 and 1000),
  commented_at timestamptz not null default now()
);
create index work_item_comment_by_item on payments.work_item_comment (work_item_id, commented_at, id);
call compliance.make_append_only('payments.work_item_comment');

alter table payments.work_item
  add column proof_kind text check (proof_kind in ('ended', 'journal', 'correction', 'refund', 'bank-line')),
  add column proof_reference text,
  add check ((proof_kind is null) = (proof_reference is null)),
  add check (proof_kind is null or closed_at is not null);
-- A closed item stays as it was closed; what an item is about cannot change.
create function payments.guard_work_item() returns trigger language plpgsql as $$
begin
  if old.closed_at is not null and to_jsonb(new) <> to_jsonb(old) then
    raise exception 'work item % is closed', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger work_item_guarded before update on payments.work_item
  for each row execute function payments.guard_work_item();
create trigger work_item_content before update or delete on payments.work_item for each row execute function
  payments.refuse_other_content('id kind subject brand reason opened_at');
