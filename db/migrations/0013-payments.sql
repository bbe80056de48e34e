-- Deposits and withdrawals, every attempt at a PSP as a row that exists before the call, and what a person must look at.
-- Amounts are units at ledger scale. Tokens only: no card number ever reaches these tables.

-- The highest version of a route is the one in force; a payment keeps the order it was given.
create table payments.psp_route (
  brand text not null,
  method text not null check (method in ('card')),
  currency text not null,
  version integer not null check (version > 0),
  -- In the order in which they are tried.
  psps text[] not null check (cardinality(psps) > 0),
  published_at timestamptz not null default now(),
  primary key (brand, method, currency, version)
);
call compliance.make_append_only('payments.psp_route');

create table payments.instrument (
  id uuid primary key,
  player_id uuid not null,
  psp text not null,
  kind text not null check (kind in ('card')),
  token text not null,
  card_brand text,
  last4 text check (last4 ~ '^\d{4}$'),
  expiry_month smallint check (expiry_month between 1 and 12),
  expiry_year smallint,
  created_at timestamptz not null default now(),
  unique (player_id, psp, token)
);

create table payments.deposit (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  jurisdiction_version integer not null,
  method text not null check (method in ('card')),
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  state text not null default 'requested'
    check (state in ('requested', 'processing', 'awaiting-action', 'captured', 'failed', 'parked')),
  -- [{"psp": …, "token": …}] of the PSPs that may be tried, in order; the route's version says why this order.
  options jsonb not null,
  route_version integer not null,
  return_url text not null,
  fingerprint bytea not null,
  captured_psp text,
  instrument_id uuid references payments.instrument,
  -- The player's first captured deposit.
  first boolean,
  failure_reason text,
  requested_at timestamptz not null default now(),
  captured_at timestamptz,
  check ((state = 'captured') = (captured_at is not null)),
  check ((state = 'captured') = (captured_psp is not null)),
  check ((state = 'captured') = (first is not null))
);
create index deposit_by_player on payments.deposit (player_id, requested_at desc, id desc);
create index deposit_open on payments.deposit (requested_at) where state in ('requested', 'processing', 'awaiting-action', 'parked');
create index deposit_by_instrument on payments.deposit (instrument_id) where instrument_id is not null;
create unique index deposit_first on payments.deposit (player_id) where first;

create table payments.attempt (
  deposit_id uuid not null references payments.deposit,
  number smallint not null check (number between 1 and 20),
  psp text not null,
  -- Our own reference at the PSP and the idempotency key of the call are one and the same.
  reference text not null unique,
  token text not null,
  -- Asks the PSP for 3-D Secure because the issuer demanded it.
  step_up boolean not null default false,
  state text not null default 'started' check (state in
    ('started', 'pending', 'action', 'approved', 'declined', 'not_sent', 'unknown', 'cancelled', 'late_approved')),
  psp_reference text,
  decline_class text,
  raw_code text,
  network_code text,
  -- What the PSP says it moved; compared with the deposit before anything is credited.
  processed_asset text,
  processed_amount numeric(38, 0),
  action_url text,
  -- Names the attempt in the address that the player's browser comes back to.
  return_token text not null unique,
  -- What the browser brought back; opaque to us, submitted once.
  returned jsonb,
  returned_at timestamptz,
  -- Token, brand, last four digits and expiry as the PSP reports them.
  instrument jsonb,
  started_at timestamptz not null default now(),
  -- Claimed by the one call that may send it, just before it does.
  sent_at timestamptz,
  resolved_at timestamptz,
  primary key (deposit_id, number)
);
-- A cascade is impossible while an attempt is open, and after one was approved.
create unique index attempt_open_or_approved on payments.attempt (deposit_id)
  where state in ('started', 'pending', 'action', 'unknown', 'approved');

create table payments.withdrawal (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  jurisdiction_version integer not null,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  instrument_id uuid not null references payments.instrument,
  state text not null default 'requested' check (state in
    ('requested', 'checking', 'awaiting-approval', 'approved', 'submitted', 'paid', 'refused', 'cancelled', 'parked')),
  cancellable boolean not null,
  fingerprint bytea not null,
  -- SHA-256 of what is approved: changes to it are refused, and every approval repeats it.
  payload_hash bytea not null,
  approvals_required smallint check (approvals_required between 0 and 5),
  -- Why it was not accepted by itself, in the words of the checks.
  check_reasons text[] not null default '{}',
  reason text,
  paid_psp text,
  requested_at timestamptz not null default now(),
  closed_at timestamptz,
  check ((state in ('paid', 'refused', 'cancelled')) = (closed_at is not null))
);
create index withdrawal_by_player on payments.withdrawal (player_id, requested_at desc, id desc);
create index withdrawal_by_state on payments.withdrawal (state, requested_at, id);
create index withdrawal_by_instrument on payments.withdrawal (instrument_id, state);

create table payments.withdrawal_approval (
  withdrawal_id uuid not null references payments.withdrawal,
  operator_id uuid not null,
  decision text not null check (decision in ('approve', 'refuse')),
  reason text not null check (length(reason) between 1 and 500),
  payload_hash bytea not null,
  -- The role that gave the right to decide, held at that moment.
  role text not null,
  decided_at timestamptz not null default now(),
  primary key (withdrawal_id, operator_id)
);
call compliance.make_append_only('payments.withdrawal_approval');

create table payments.payout_attempt (
  withdrawal_id uuid not null references payments.withdrawal,
  number smallint not null check (number between 1 and 50),
  psp text not null,
  reference text not null unique,
  state text not null default 'started' check (state in
    ('started', 'pending', 'paid', 'declined', 'not_sent', 'unknown', 'late_paid')),
  psp_reference text,
  raw_code text,
  processed_asset text,
  processed_amount numeric(38, 0),
  started_at timestamptz not null default now(),
  sent_at timestamptz,
  resolved_at timestamptz,
  primary key (withdrawal_id, number)
);
create unique index payout_open_or_paid on payments.payout_attempt (withdrawal_id)
  where state in ('started', 'pending', 'unknown', 'paid');

-- What no rule could decide: shown to people until one of them closes it.
create table payments.work_item (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('parked-deposit', 'parked-withdrawal', 'amount-mismatch', 'late-approval', 'unmatched-notice')),
  -- {noun}:{id}, or psp:{psp}:{event} for a notice about a payment that we do not know.
  subject text not null,
  brand text,
  reason text not null,
  owner uuid,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  closed_by uuid,
  resolution text,
  check ((closed_at is null) = (resolution is null))
);
create unique index work_item_open on payments.work_item (kind, subject) where closed_at is null;
create index work_item_by_subject on payments.work_item (subject);

-- One guard for all state columns: `tg_argv[0]` lists the allowed steps as from>to.
create function payments.guard_state() returns trigger language plpgsql as $$
begin
  if new.state <> old.state and not (old.state || '>' || new.state) = any (string_to_array(tg_argv[0], ' ')) then
    raise exception '%.% cannot go from % to %', tg_table_schema, tg_table_name, old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;

-- failed>captured is the one way out of an end: money that the PSP took after we gave up is credited, never dropped.
create trigger deposit_states before update on payments.deposit for each row execute function payments.guard_state(
  'requested>processing requested>failed requested>parked processing>awaiting-action processing>captured processing>failed processing>parked awaiting-action>processing awaiting-action>captured awaiting-action>failed awaiting-action>parked parked>captured parked>failed parked>awaiting-action failed>captured');
create trigger attempt_states before update on payments.attempt for each row execute function payments.guard_state(
  'started>pending started>action started>approved started>declined started>not_sent started>unknown started>cancelled pending>action pending>approved pending>declined pending>unknown pending>cancelled action>approved action>declined action>pending action>unknown action>cancelled unknown>approved unknown>declined unknown>not_sent unknown>pending unknown>action unknown>cancelled declined>late_approved not_sent>late_approved cancelled>late_approved');
create trigger withdrawal_states before update on payments.withdrawal for each row execute function payments.guard_state(
  'requested>checking requested>cancelled requested>refused checking>awaiting-approval checking>approved checking>refused checking>cancelled checking>parked awaiting-approval>approved awaiting-approval>refused awaiting-approval>cancelled approved>submitted approved>cancelled approved>refused approved>parked submitted>paid submitted>refused submitted>parked parked>submitted parked>paid parked>refused');
create trigger payout_attempt_states before update on payments.payout_attempt for each row execute function payments.guard_state(
  'started>pending started>paid started>declined started>not_sent started>unknown pending>paid pending>declined pending>unknown unknown>pending unknown>paid unknown>declined unknown>not_sent declined>late_paid not_sent>late_paid');

create function payments.refuse_other_content() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '%.% keeps its rows', tg_table_schema, tg_table_name using errcode = 'integrity_constraint_violation';
  end if;
  if exists (select 1 from unnest(string_to_array(tg_argv[0], ' ')) as name
             where to_jsonb(old) -> name is distinct from to_jsonb(new) -> name) then
    raise exception 'what %.% is about cannot change', tg_table_schema, tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger deposit_content before update or delete on payments.deposit for each row execute function
  payments.refuse_other_content('id player_id brand jurisdiction jurisdiction_version method asset amount options return_url fingerprint');
create trigger attempt_content before update or delete on payments.attempt for each row execute function
  payments.refuse_other_content('deposit_id number psp reference token step_up return_token started_at');
create trigger withdrawal_content before update or delete on payments.withdrawal for each row execute function
  payments.refuse_other_content('id player_id brand jurisdiction jurisdiction_version asset amount instrument_id fingerprint payload_hash cancellable');
create trigger payout_attempt_content before update or delete on payments.payout_attempt for each row execute function
  payments.refuse_other_content('withdrawal_id number psp reference started_at');

-- An approval counts only for what is to be approved now, and never from the hand that is paid.
create function payments.check_approval() returns trigger language plpgsql as $$
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
  return new;
end
$$;
create trigger approval_checked before insert on payments.withdrawal_approval
  for each row execute function payments.check_approval();

-- The second half of a paired assertion: what leaves for the PSP has the approvals it needed.
create function payments.check_approved() returns trigger language plpgsql as $$
begin
  if new.state = 'approved' and old.state <> 'approved' and (new.approvals_required is null or new.approvals_required >
      (select count(*) from payments.withdrawal_approval where withdrawal_id = new.id and decision = 'approve')) then
    raise exception 'withdrawal % lacks approvals', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger withdrawal_approved before update on payments.withdrawal
  for each row execute function payments.check_approved();
