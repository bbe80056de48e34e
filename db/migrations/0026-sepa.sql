-- Bank transfers: accounts to pay out to, transfers collected into files, what the bank reports, and pay-ins by reference.
-- Names and IBANs are sealed; amounts are units at ledger scale.

-- Widens a check on a column to more values, whatever earlier migrations allow.
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
call payments.allow_more('payments.instrument', 'instrument_kind_check', 'kind', '{bank-account}');
call payments.allow_more('payments.deposit', 'deposit_method_check', 'method', '{bank-transfer}');
call payments.allow_more('payments.work_item', 'work_item_kind_check', 'kind',
  '{unmatched-transfer,returned-payout,stuck-payout-file,unreadable-report}');
drop procedure payments.allow_more;

create table payments.bank_account (
  instrument_id uuid primary key references payments.instrument,
  -- IBAN and the verified name of its holder, under the player's own key.
  sealed bytea not null
);
call compliance.make_append_only('payments.bank_account');

create table payments.payout_batch (
  id uuid primary key,
  -- What the bank knows the file by; taken once there, for ever.
  message_id text not null unique check (length(message_id) between 1 and 35),
  -- Of the file as it is sent. The file itself is made of the rows again, so that no names lie around; the hash proves it.
  sha256 text not null unique,
  transfers integer not null check (transfers > 0),
  control_sum numeric(38, 0) not null check (control_sum > 0),
  requested_on date not null,
  state text not null default 'sealed' check (state in ('sealed', 'unknown', 'sent', 'refused')),
  reason text,
  sealed_at timestamptz not null default now(),
  -- Claimed by the one call that may send it, just before it does.
  claimed_at timestamptz,
  closed_at timestamptz
);
create trigger payout_batch_states before update on payments.payout_batch for each row execute function payments.guard_state(
  'sealed>unknown sealed>sent sealed>refused unknown>sent unknown>refused');
create trigger payout_batch_content before update or delete on payments.payout_batch for each row execute function
  payments.refuse_other_content('id message_id sha256 transfers control_sum requested_on sealed_at');

create table payments.bank_transfer (
  -- The payout attempt's own reference.
  reference text primary key,
  withdrawal_id uuid not null references payments.withdrawal,
  -- The same in the bank's 35 characters.
  end_to_end_id text not null unique,
  amount numeric(38, 0) not null check (amount > 0),
  batch_id uuid references payments.payout_batch,
  -- Within its file, so that the file can be made again.
  position integer,
  state text not null default 'queued' check (state in ('queued', 'batched', 'accepted', 'rejected', 'booked', 'returned')),
  reason text,
  queued_at timestamptz not null default now(),
  booked_at timestamptz,
  check ((batch_id is null) = (state = 'queued')),
  check ((batch_id is null) = (position is null)),
  unique (batch_id, position)
);
create index bank_transfer_queued on payments.bank_transfer (queued_at) where state = 'queued';
create trigger bank_transfer_states before update on payments.bank_transfer for each row execute function payments.guard_state(
  'queued>batched batched>accepted batched>rejected batched>booked accepted>booked accepted>rejected booked>returned');
create trigger bank_transfer_content before update or delete on payments.bank_transfer for each row execute function
  payments.refuse_other_content('reference withdrawal_id end_to_end_id amount queued_at');

create table payments.bank_report (
  -- A report delivered twice is one report.
  sha256 text primary key,
  kind text not null,
  -- Of the bank's list: where the next question begins.
  bank_number bigint not null,
  -- As it came, under a key of its own that the key-encryption key wraps.
  sealed bytea not null,
  wrapped bytea not null,
  key_id text not null,
  imported_at timestamptz not null default now()
);
call compliance.make_append_only('payments.bank_report');

create table if not exists payments.bank_line (
  id uuid primary key default gen_random_uuid(),
  account text not null,
  booked_on date not null,
  amount numeric(38, 0) not null,
  asset text not null,
  end_to_end_id text,
  reference text not null,
  statement_id text not null,
  line integer not null,
  unique (statement_id, line)
);

-- A movement at the bank takes effect once, though notice and statement both tell it.
create table payments.bank_entry (
  account text not null,
  bank_reference text not null,
  outcome text not null check (outcome in ('booked', 'returned', 'credited', 'parked')),
  subject text not null,
  recorded_at timestamptz not null default now(),
  primary key (account, bank_reference)
);
call compliance.make_append_only('payments.bank_entry');

create table payments.pay_in_reference (
  -- RF…, ISO 11649.
  reference text primary key,
  deposit_id uuid not null unique references payments.deposit,
  created_at timestamptz not null default now()
);
call compliance.make_append_only('payments.pay_in_reference');
