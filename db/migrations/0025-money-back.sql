-- Money that goes back and money that is compared: refunds, disputes, settlement files of PSPs, lines of bank statements.

-- The closed list of kinds is the type `WorkItemKind`; here only its form is held, so that a new kind needs no migration.
alter table payments.work_item drop constraint if exists work_item_kind_check;
alter table payments.work_item add constraint work_item_kind_check check (kind ~ '^[a-z]+(-[a-z]+)*$');

-- A refund of a captured deposit. Its own reference is the idempotency key at the PSP, for ever the same.
create table payments.refund (
  id uuid primary key,
  deposit_id uuid not null references payments.deposit,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  psp text not null,
  reference text not null unique,
  -- The PSP's name of the charge that is refunded.
  charge_reference text not null,
  reason text not null check (length(reason) between 3 and 500),
  requested_by uuid not null check (requested_by <> player_id),
  fingerprint bytea not null,
  -- SHA-256 of what is decided on; the decision repeats it.
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  needs_approval boolean not null,
  state text not null default 'requested' check (state in
    ('requested', 'awaiting-approval', 'approved', 'submitted', 'paid', 'refused', 'returned', 'parked')),
  decided_by uuid,
  decided_role text,
  decision text check (decision in ('approve', 'refuse')),
  decision_reason text check (length(decision_reason) between 1 and 500),
  decided_hash bytea,
  decided_at timestamptz,
  -- Where the one call to the PSP stands.
  call_state text not null default 'started' check (call_state in
    ('started', 'pending', 'paid', 'declined', 'not_sent', 'unknown', 'late_paid', 'returned')),
  psp_reference text,
  raw_code text,
  processed_asset text,
  processed_amount numeric(38, 0),
  -- Claimed by the one call that may send it, just before it does.
  sent_at timestamptz,
  failure_reason text,
  requested_at timestamptz not null default now(),
  closed_at timestamptz,
  check (decided_by <> requested_by and decided_by <> player_id),
  check (decided_hash = payload_hash),
  check (num_nulls(decided_by, decided_role, decision, decision_reason, decided_hash, decided_at) in (0, 6)),
  -- Nothing leaves without the second person where one is needed.
  check (not needs_approval or state in ('requested', 'awaiting-approval', 'refused') or coalesce(decision, '') = 'approve'),
  check ((state in ('paid', 'refused', 'returned')) = (closed_at is not null))
);
create index refund_by_deposit on payments.refund (deposit_id);
create index refund_by_player on payments.refund (player_id, requested_at desc, id desc);
create index refund_by_state on payments.refund (state, requested_at, id);

create trigger refund_states before update on payments.refund for each row execute function payments.guard_state(
  'requested>awaiting-approval requested>submitted requested>refused awaiting-approval>approved awaiting-approval>refused approved>submitted approved>refused submitted>paid submitted>refused submitted>parked parked>submitted parked>paid parked>refused paid>returned refused>paid');
create trigger refund_content before update or delete on payments.refund for each row execute function
  payments.refuse_other_content('id deposit_id player_id brand jurisdiction asset amount psp reference charge_reference reason requested_by fingerprint payload_hash needs_approval requested_at');

create function payments.guard_refund_call() returns trigger language plpgsql as $$
begin
  if new.call_state <> old.call_state and not (old.call_state || '>' || new.call_state) = any (string_to_array(
      'started>pending started>paid started>declined started>not_sent started>unknown pending>paid pending>declined pending>unknown unknown>pending unknown>paid unknown>declined unknown>not_sent not_sent>started declined>late_paid not_sent>late_paid paid>returned late_paid>returned', ' ')) then
    raise exception 'the call of refund % cannot go from % to %', old.id, old.call_state, new.call_state
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.decided_by is not null and (new.decided_by, new.decision, new.decided_hash, new.decided_at)
      is distinct from (old.decided_by, old.decision, old.decided_hash, old.decided_at) then
    raise exception 'refund % is decided', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger refund_call_states before update on payments.refund
  for each row execute function payments.guard_refund_call();

-- Never more in sum than was captured, also while none of it has left; the ledger's own trigger holds the journals.
create function payments.check_refund() returns trigger language plpgsql as $$
declare
  target payments.deposit;
begin
  select * into target from payments.deposit where id = new.deposit_id for update;
  if target.state <> 'captured' or (target.player_id, target.brand, target.asset, target.captured_psp)
      is distinct from (new.player_id, new.brand, new.asset, new.psp) then
    raise exception 'refund % does not fit its deposit', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if target.amount < new.amount + (select coalesce(sum(amount), 0) from payments.refund
      where deposit_id = new.deposit_id and state not in ('refused', 'returned')) then
    raise exception 'more would go back than deposit % brought', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger refund_checked before insert on payments.refund
  for each row execute function payments.check_refund();

-- A cardholder's dispute of a deposit, from the first question to a second chargeback; one row per dispute of a PSP.
create table payments.dispute (
  id uuid primary key default gen_random_uuid(),
  psp text not null,
  psp_reference text not null,
  deposit_id uuid not null references payments.deposit,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  stage text not null default 'inquiry' check (stage in ('inquiry', 'chargeback', 'second-chargeback')),
  -- `noticed` until the PSP has been asked.
  status text not null default 'noticed' check (status in
    ('noticed', 'needs-response', 'under-review', 'won', 'lost', 'closed')),
  asset text references wallet.asset,
  amount numeric(38, 0) check (amount > 0),
  reason text,
  evidence_due_at timestamptz,
  reminded_at timestamptz,
  -- The deadline passed without an answer of ours.
  expired_at timestamptz,
  accepted boolean not null default false,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  unique (psp, psp_reference),
  check ((status in ('won', 'lost', 'closed')) = (closed_at is not null)),
  check ((asset is null) = (amount is null))
);
create index dispute_by_deposit on payments.dispute (deposit_id);
create index dispute_by_status on payments.dispute (status, opened_at, id);

-- A stage never falls; inside a stage what has ended stays so. Only a later stage opens it again.
create function payments.guard_dispute() returns trigger language plpgsql as $$
declare
  stages constant text[] := array['inquiry', 'chargeback', 'second-chargeback'];
  before integer := array_position(stages, old.stage);
  after integer := array_position(stages, new.stage);
begin
  if after < before
     or (after = before and old.status in ('won', 'lost', 'closed') and new.status <> old.status)
     or (after = before and old.status = 'under-review' and new.status in ('noticed', 'needs-response'))
     or (old.stage = 'chargeback' and after > before and old.status = 'lost') then
    raise exception 'dispute % cannot go from % % to % %', old.id, old.stage, old.status, new.stage, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger dispute_states before update on payments.dispute
  for each row execute function payments.guard_dispute();
create trigger dispute_content before update or delete on payments.dispute for each row execute function
  payments.refuse_other_content('id psp psp_reference deposit_id player_id brand jurisdiction opened_at');

-- Money that the PSP moved for a dispute, each once for ever, with the journal that booked it.
create table payments.dispute_movement (
  psp text not null,
  -- The PSP's name of the movement.
  reference text not null,
  dispute_id uuid not null references payments.dispute,
  number smallint not null check (number between 1 and 20),
  kind text not null check (kind in ('withdrawn', 'reinstated')),
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  journal_id uuid not null unique references wallet.journal,
  booked_at timestamptz not null default now(),
  primary key (psp, reference),
  unique (dispute_id, number)
);
call compliance.make_append_only('payments.dispute_movement');

-- What an operator answers to a dispute. The words are sealed with the player's key: evidence names people.
create table payments.dispute_response (
  id uuid primary key,
  dispute_id uuid not null references payments.dispute,
  stage text not null,
  kind text not null check (kind in ('evidence', 'accept')),
  sealed bytea,
  reason text not null check (length(reason) between 3 and 500),
  operator_id uuid not null,
  role text not null,
  fingerprint bytea not null,
  state text not null default 'recorded' check (state in ('recorded', 'sent', 'refused')),
  raw_code text,
  recorded_at timestamptz not null default now(),
  closed_at timestamptz,
  check ((kind = 'evidence') = (sealed is not null)),
  check ((state = 'recorded') = (closed_at is null))
);
create index dispute_response_by_dispute on payments.dispute_response (dispute_id, recorded_at);
-- One answer at a time, and one that was taken per stage.
create unique index dispute_response_once on payments.dispute_response (dispute_id, stage) where state <> 'refused';
create trigger dispute_response_states before update on payments.dispute_response for each row
  execute function payments.guard_state('recorded>sent recorded>refused');
create trigger dispute_response_content before update or delete on payments.dispute_response for each row execute function
  payments.refuse_other_content('id dispute_id stage kind sealed reason operator_id role fingerprint recorded_at');

-- What a PSP may take per movement, in basis points and minor units; a file that says otherwise is a break.
create table payments.psp_fee_term (
  psp text not null,
  kind text not null check (kind in ('charge', 'refund', 'dispute', 'dispute-reversal', 'payout')),
  version integer not null check (version > 0),
  bps integer not null check (bps between 0 and 10000),
  fixed_minor bigint not null check (fixed_minor >= 0),
  published_at timestamptz not null default now(),
  primary key (psp, kind, version)
);
call compliance.make_append_only('payments.psp_fee_term');
insert into payments.psp_fee_term (psp, kind, version, bps, fixed_minor)
select psp, kind, 1, bps, fixed from (values ('alpha'), ('beta')) as p(psp),
  (values ('charge', 140, 25), ('refund', 0, 0), ('dispute', 0, 1500), ('dispute-reversal', 0, 0), ('payout', 0, 25))
    as t(kind, bps, fixed);

-- Settlement files as they came. The same bytes twice are one row; other bytes for the same day are a later version.
create table payments.settlement_file (
  id uuid primary key default gen_random_uuid(),
  psp text not null,
  day date not null,
  version integer not null check (version > 0),
  name text not null,
  sha256 bytea not null check (octet_length(sha256) = 32),
  content text not null,
  fetched_at timestamptz not null default now(),
  unique (psp, day, sha256),
  unique (psp, day, version)
);
call compliance.make_append_only('payments.settlement_file');

create table payments.settlement_line (
  file_id uuid not null references payments.settlement_file,
  line integer not null check (line > 0),
  psp text not null,
  -- The PSP's own name of the movement; the same name twice is one movement told twice.
  natural_key text not null,
  kind text not null check (kind in ('charge', 'refund', 'dispute', 'dispute-reversal', 'payout', 'bank-payout', 'other')),
  psp_reference text not null,
  reference text,
  asset text not null,
  -- Signed as the PSP's balance moves, at ledger scale; the fee is positive and leaves the balance, too.
  gross numeric(38, 0) not null,
  fee numeric(38, 0) not null,
  -- {noun}:{id} of what it was matched with
  subject text,
  primary key (file_id, line)
);
create index settlement_line_by_key on payments.settlement_line (psp, natural_key);
create index settlement_line_by_subject on payments.settlement_line (subject) where subject is not null;
call compliance.make_append_only('payments.settlement_line');

-- Statement lines of banks, whoever imports them; signed as the account moves, at ledger scale.
create table payments.bank_line (
  id uuid primary key default gen_random_uuid(),
  account text not null,
  booked_on date not null,
  amount numeric(38, 0) not null check (amount <> 0),
  asset text not null references wallet.asset,
  end_to_end_id text,
  reference text not null,
  statement_id text not null,
  line integer not null,
  unique (statement_id, line)
);
call compliance.make_append_only('payments.bank_line');

-- A payout of a PSP to our bank found on a statement; each side once.
create table payments.bank_match (
  bank_line_id uuid primary key references payments.bank_line,
  psp text not null,
  natural_key text not null,
  matched_at timestamptz not null default now(),
  unique (psp, natural_key)
);
call compliance.make_append_only('payments.bank_match');

-- One row per difference. It ages until somebody, or a later file, closes it with a proof; nothing is written off.
create table payments.reconciliation_break (
  id uuid primary key default gen_random_uuid(),
  psp text not null,
  day date not null,
  kind text not null check (kind in
    ('missing', 'extra', 'amount', 'currency', 'fee', 'duplicate', 'unbooked', 'restated', 'bank')),
  -- What it is about: the PSP's name of the movement, or ours where the PSP names none.
  natural_key text not null,
  subject text,
  asset text,
  expected numeric(38, 0),
  found numeric(38, 0),
  owner uuid,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  -- operator:{id} or system:reconciliation
  closed_by text,
  proof_kind text check (proof_kind in ('later-line', 'bank-line', 'journal', 'correction')),
  proof_reference text,
  resolution text check (length(resolution) between 3 and 500),
  unique (psp, day, kind, natural_key),
  check (num_nulls(closed_at, closed_by, proof_kind, proof_reference, resolution) in (0, 5))
);
create index break_open on payments.reconciliation_break (opened_at, id) where closed_at is null;
create index break_by_day on payments.reconciliation_break (psp, day);

create function payments.guard_break() returns trigger language plpgsql as $$
begin
  if old.closed_at is not null then
    raise exception 'break % is closed', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger break_closed before update on payments.reconciliation_break
  for each row execute function payments.guard_break();
create trigger break_content before update or delete on payments.reconciliation_break for each row execute function
  payments.refuse_other_content('id psp day kind natural_key subject asset expected found opened_at');
