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
