-- 3-D Secure per attempt with who bears fraud, wallets as a method, and authorisations that staff capture or void.
-- Amounts are units at ledger scale. A cryptogram (CAVV) has no column here, and the checks below take none.

-- Widens checks and lists of steps, whatever earlier migrations allow.
create procedure payments.allow_more(target regclass, constraint_name text, column_name text, more text[]) language plpgsql as $$
declare
  before text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict before
    from pg_constraint where conrelid = target and conname = constraint_name;
  execute format('alter table %s drop constraint %I', target, constraint_name);
  execute format('alter table %s add constraint %I check ((%s) or %I = any (%L::text[]))',
    target, constraint_name, before, column_name, more);
end
$$;
create procedure payments.allow_steps(target regclass, trigger_name text, more text) language plpgsql as $$
declare
  before text;
begin
  select pg_get_triggerdef(oid) into strict before from pg_trigger where tgrelid = target and tgname = trigger_name;
  execute format('drop trigger %I on %s', trigger_name, target);
  execute regexp_replace(before, '''\)$', ' ' || more || ''')');
end
$$;

-- Wallets: no card, no token of the browser; the player is sent away and comes back.
call payments.allow_more('payments.psp_route', 'psp_route_method_check', 'method', '{e-wallet}');
call payments.allow_more('payments.deposit', 'deposit_method_check', 'method', '{e-wallet}');

-- Whether a deposit is taken at once or only authorised is a setting of the route, so of brand, method and currency.
alter table payments.psp_route add column capture_mode text not null default 'automatic'
  check (capture_mode in ('automatic', 'manual'));

alter table payments.deposit
  -- What rules asked of 3-D Secure; the default is what was asked before there were any.
  add column three_ds jsonb not null
    default '{"want": "no-preference", "exemption": null, "whenUnavailable": "proceed"}',
  add column capture_mode text not null default 'automatic' check (capture_mode in ('automatic', 'manual')),
  add column authorisation_expires_at timestamptz,
  -- Null until captured, and for what was captured before partial captures: then it is the amount.
  add column captured_amount numeric(38, 0) check (captured_amount > 0 and captured_amount <= amount);
create trigger deposit_terms before update on payments.deposit for each row execute function
  payments.refuse_other_content('three_ds capture_mode');
call payments.allow_more('payments.deposit', 'deposit_state_check', 'state', '{authorised}');
call payments.allow_steps('payments.deposit', 'deposit_states',
  'processing>authorised awaiting-action>authorised parked>authorised authorised>captured authorised>failed authorised>parked');
drop trigger deposit_news on payments.deposit;
create trigger deposit_news after update of state on payments.deposit for each row
  when (new.state <> old.state and new.state in ('awaiting-action', 'authorised', 'captured', 'failed', 'parked'))
  execute function payments.tell_deposit();
drop index payments.deposit_open;
create index deposit_open on payments.deposit (requested_at)
  where state in ('requested', 'processing', 'awaiting-action', 'authorised', 'parked');

alter table payments.attempt
  add column three_ds_want text check (three_ds_want in ('exemption', 'no-preference', 'challenge-preferred', 'challenge-mandated')),
  -- As it was sent; null where none was, or where the PSP has no word for it.
  add column exemption_requested text check (exemption_requested in ('low-value', 'tra', 'trusted-beneficiary', 'merchant-initiated')),
  add column exemption_granted text check (exemption_granted in ('low-value', 'tra', 'trusted-beneficiary', 'merchant-initiated')),
  add column trans_status text check (trans_status in ('Y', 'A', 'C', 'D', 'N', 'R', 'U', 'I')),
  add column eci text check (eci ~ '^\d\d$'),
  add column ds_transaction_id text check (ds_transaction_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
  add column three_ds_version text check (three_ds_version ~ '^\d{1,2}(\.\d{1,2}){1,2}$'),
  add column network text check (network ~ '^[a-z_]{1,30}$'),
  add column issuer_country text check (issuer_country ~ '^[A-Z]{2}$'),
  -- The attempt whose authentication this one carried to another PSP.
  add column three_ds_from smallint check (three_ds_from < number),
  -- Computed, with the row and version of the table that says so.
  add column liability text check (liability in ('issuer', 'merchant')),
  add column liability_row text,
  add column liability_table_version integer,
  add check (num_nulls(liability, liability_row, liability_table_version) in (0, 3));
call payments.allow_more('payments.attempt', 'attempt_state_check', 'state', '{authorised}');
call payments.allow_steps('payments.attempt', 'attempt_states',
  'started>authorised pending>authorised action>authorised unknown>authorised authorised>approved authorised>cancelled');
drop index payments.attempt_open_or_approved;
create unique index attempt_open_or_approved on payments.attempt (deposit_id)
  where state in ('started', 'pending', 'action', 'unknown', 'authorised', 'approved');

-- Why a deposit asked for what it asked for: as `routing_decision`.
create table payments.three_ds_decision (
  deposit_id uuid primary key references payments.deposit,
  brand text not null,
  rule_version_id uuid not null references backoffice.rule_version,
  inputs jsonb not null,
  trace jsonb not null,
  -- The row that decided, null for the default.
  row_name text,
  wish jsonb not null,
  shadow_version_id uuid references backoffice.rule_version,
  shadow_wish jsonb,
  took_us integer not null check (took_us >= 0),
  decided_at timestamptz not null default now(),
  check ((shadow_version_id is null) = (shadow_wish is null))
);
create index three_ds_decision_by_brand on payments.three_ds_decision (brand, decided_at desc, deposit_id desc);
call compliance.make_append_only('payments.three_ds_decision');

-- What staff do with an authorisation: capture it, wholly or in part and once, or void it. Each a row with a key of its own.
create table payments.modification (
  id uuid primary key,
  deposit_id uuid not null references payments.deposit,
  kind text not null check (kind in ('capture', 'void')),
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  asset text not null references wallet.asset,
  -- Of a void, all that was authorised.
  amount numeric(38, 0) not null check (amount > 0),
  attempt smallint not null,
  psp text not null,
  reference text not null unique,
  -- The PSP's name of the authorisation.
  charge_reference text not null,
  reason text not null check (length(reason) between 3 and 500),
  requested_by uuid not null check (requested_by <> player_id),
  fingerprint bytea not null,
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  needs_approval boolean not null,
  state text not null default 'requested' check (state in
    ('requested', 'awaiting-approval', 'approved', 'submitted', 'done', 'refused', 'parked')),
  decided_by uuid,
  decided_role text,
  decision text check (decision in ('approve', 'refuse')),
  decision_reason text check (length(decision_reason) between 1 and 500),
  decided_hash bytea,
  decided_at timestamptz,
  call_state text not null default 'started' check (call_state in
    ('started', 'pending', 'paid', 'declined', 'not_sent', 'unknown', 'late_paid')),
  psp_reference text,
  raw_code text,
  processed_asset text,
  processed_amount numeric(38, 0),
  sent_at timestamptz,
  failure_reason text,
  requested_at timestamptz not null default now(),
  closed_at timestamptz,
  foreign key (deposit_id, attempt) references payments.attempt (deposit_id, number),
  check (decided_by <> requested_by and decided_by <> player_id),
  check (decided_hash = payload_hash),
  check (num_nulls(decided_by, decided_role, decision, decision_reason, decided_hash, decided_at) in (0, 6)),
  check (not needs_approval or state in ('requested', 'awaiting-approval', 'refused') or coalesce(decision, '') = 'approve'),
  check ((state in ('done', 'refused')) = (closed_at is not null))
);
-- A void races a capture here and nowhere else: one of both at a time, and none after one was done.
create unique index modification_open_or_done on payments.modification (deposit_id) where state <> 'refused';
create index modification_by_deposit on payments.modification (deposit_id);
create index modification_by_state on payments.modification (state, requested_at, id);

create trigger modification_states before update on payments.modification for each row execute function payments.guard_state(
  'requested>awaiting-approval requested>submitted requested>refused awaiting-approval>approved awaiting-approval>refused approved>submitted approved>refused submitted>done submitted>refused submitted>parked parked>done parked>refused refused>done');
create trigger modification_content before update or delete on payments.modification for each row execute function
  payments.refuse_other_content('id deposit_id kind player_id brand jurisdiction asset amount attempt psp reference charge_reference reason requested_by fingerprint payload_hash needs_approval requested_at');

create function payments.guard_modification_call() returns trigger language plpgsql as $$
begin
  if new.call_state <> old.call_state and not (old.call_state || '>' || new.call_state) = any (string_to_array(
      'started>pending started>paid started>declined started>not_sent started>unknown pending>paid pending>declined pending>unknown unknown>pending unknown>paid unknown>declined unknown>not_sent not_sent>started declined>late_paid not_sent>late_paid', ' ')) then
    raise exception 'the call of modification % cannot go from % to %', old.id, old.call_state, new.call_state
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.decided_by is not null and (new.decided_by, new.decision, new.decided_hash, new.decided_at)
      is distinct from (old.decided_by, old.decision, old.decided_hash, old.decided_at) then
    raise exception 'modification % is decided', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger modification_call_states before update on payments.modification
  for each row execute function payments.guard_modification_call();

-- Never more than was authorised, and only of what is authorised now.
create function payments.check_modification() returns trigger language plpgsql as $$
declare
  target payments.deposit;
  held payments.attempt;
begin
  select * into target from payments.deposit where id = new.deposit_id for update;
  select * into held from payments.attempt where deposit_id = new.deposit_id and number = new.attempt;
  if target.state <> 'authorised' or held.state <> 'authorised'
      or (target.player_id, target.brand, target.asset, held.psp, held.psp_reference)
        is distinct from (new.player_id, new.brand, new.asset, new.psp, new.charge_reference) then
    raise exception 'modification % does not fit its authorisation', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.amount > least(target.amount, coalesce(held.processed_amount, target.amount)) then
    raise exception 'more would be captured than deposit % has authorised', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger modification_checked before insert on payments.modification
  for each row execute function payments.check_modification();

drop procedure payments.allow_more;
drop procedure payments.allow_steps;

-- Never more in sum than was captured, which since partial captures may be less than was asked for.
create or replace function payments.check_refund() returns trigger language plpgsql as $$
declare
  target payments.deposit;
begin
  select * into target from payments.deposit where id = new.deposit_id for update;
  if target.state <> 'captured' or (target.player_id, target.brand, target.asset)
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
