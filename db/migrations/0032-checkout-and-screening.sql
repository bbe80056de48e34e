-- What Checkout.com may take per movement, as the contract of this installation has it; a change is a new version.
insert into payments.psp_fee_term (psp, kind, version, bps, fixed_minor)
select 'gamma', kind, 1, bps, fixed from
  (values ('charge', 140, 25), ('refund', 0, 0), ('dispute', 0, 1500), ('dispute-reversal', 0, 0), ('payout', 0, 25))
    as t(kind, bps, fixed);

-- A question to the KYC vendor whether a player is on a list (sanctions, political exposure, adverse media), asked for one
-- payment. What was found is kept as the vendor's ids and the kinds of lists; no names.
create table kyc.screening (
  id uuid primary key,
  -- {noun}:{id} of the payment that waits for it
  subject text not null,
  number integer not null check (number > 0),
  player_id uuid not null,
  brand text not null,
  state text not null default 'asked' check (state in ('asked', 'clear', 'hit', 'cleared', 'confirmed')),
  -- The vendor's name of the lists as they stood, so that a later question can be told from a repeat of this one.
  list_version text,
  answered_at timestamptz,
  hit_ids text[] not null default '{}',
  lists text[] not null default '{}',
  decided_by uuid,
  decided_at timestamptz,
  reason text check (length(reason) between 3 and 500),
  asked_at timestamptz not null default now(),
  unique (subject, number),
  check ((state = 'asked') = (answered_at is null)),
  check ((answered_at is null) = (list_version is null)),
  check (state <> 'hit' or cardinality(hit_ids) > 0),
  check ((state in ('cleared', 'confirmed')) = (decided_by is not null)),
  check (num_nulls(decided_by, decided_at, reason) in (0, 3)),
  -- Nobody decides about himself.
  check (decided_by is distinct from player_id)
);
create unique index screening_open on kyc.screening (subject) where state in ('asked', 'hit');
create index screening_by_player on kyc.screening (player_id, asked_at);
create index screening_hit on kyc.screening (asked_at, id) where state = 'hit';
create trigger screening_states before update on kyc.screening for each row
  execute function payments.guard_state('asked>clear asked>hit hit>cleared hit>confirmed');
create trigger screening_content before update or delete on kyc.screening for each row execute function
  payments.refuse_other_content('id subject number player_id brand asked_at');

-- A match that is confirmed after people had approved keeps the hold, too.
drop trigger withdrawal_states on payments.withdrawal;
create trigger withdrawal_states before update on payments.withdrawal for each row execute function payments.guard_state(
  'requested>checking requested>cancelled requested>refused checking>awaiting-approval checking>approved checking>refused checking>cancelled checking>parked awaiting-approval>approved awaiting-approval>refused awaiting-approval>cancelled awaiting-approval>parked approved>submitted approved>cancelled approved>refused approved>parked submitted>paid submitted>partly-paid submitted>refused submitted>parked parked>submitted parked>paid parked>partly-paid parked>refused');

-- What becomes of a charge whose authentication may not be used. The highest version is in force; without a row a person
-- has it.
create table payments.unauthenticated_charge_policy (
  brand text not null,
  jurisdiction text not null,
  version integer not null check (version > 0),
  action text not null check (action in ('refund', 'person')),
  published_at timestamptz not null default now(),
  primary key (brand, jurisdiction, version)
);
call compliance.make_append_only('payments.unauthenticated_charge_policy');

-- As before, and besides: the charge of a deposit that was given up because its authentication may not be used.
create or replace function payments.check_refund() returns trigger language plpgsql as $$
declare
  target payments.deposit;
  is_unauthenticated boolean;
begin
  select * into target from payments.deposit where id = new.deposit_id for update;
  is_unauthenticated := new.second_charge is not null and target.state = 'failed'
    and target.failure_reason = 'not-authenticated';
  if (target.state <> 'captured' and not is_unauthenticated) or (target.player_id, target.brand, target.asset)
      is distinct from (new.player_id, new.brand, new.asset) then
    raise exception 'refund % does not fit its deposit', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.second_charge is not null then
    if new.second_charge = target.captured_attempt or not exists (select from payments.attempt a
        where a.deposit_id = new.deposit_id and a.number = new.second_charge and a.psp = new.psp
          and a.state in ('approved', 'late_approved') and a.processed_asset = new.asset
          and a.processed_amount = new.amount) then
      raise exception 'refund % fits no second charge', new.id using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  if target.captured_psp is distinct from new.psp then
    raise exception 'refund % does not fit its deposit', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if coalesce(target.captured_amount, target.amount) < new.amount + (select coalesce(sum(amount), 0) from payments.refund
      where deposit_id = new.deposit_id and second_charge is null and state not in ('refused', 'returned')) then
    raise exception 'more would go back than deposit % brought', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
