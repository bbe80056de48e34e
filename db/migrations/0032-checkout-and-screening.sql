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
