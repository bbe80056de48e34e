-- The void of a hold that came after its attempt was closed: asked about until it is proven, and the proof of its work item.
create table payments.late_void (
  deposit_id uuid not null,
  attempt smallint not null,
  psp text not null,
  -- Our reference and the key of the void, one for ever.
  reference text not null unique,
  -- The PSP's name of the charge that holds the money, and of the void once it has told it.
  charge_reference text not null,
  psp_reference text,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  -- `refused`: the PSP says that it was not voided; a person does it there. `captured`: it took the money instead.
  state text not null default 'asked' check (state in ('asked', 'refused', 'voided', 'captured')),
  raw_code text,
  -- The item that speaks of this hold: no other may be closed by its proof.
  work_item_id uuid unique references payments.work_item,
  sent_at timestamptz not null default now(),
  pokes integer not null default 0 check (pokes >= 0),
  poked_at timestamptz,
  closed_at timestamptz,
  primary key (deposit_id, attempt),
  foreign key (deposit_id, attempt) references payments.attempt (deposit_id, number),
  check ((state in ('voided', 'captured')) = (closed_at is not null))
);
create index late_void_open on payments.late_void (poked_at) where closed_at is null;
create trigger late_void_states before update on payments.late_void for each row execute function payments.guard_state(
  'asked>refused asked>voided asked>captured refused>voided refused>captured');
create trigger late_void_content before update or delete on payments.late_void for each row execute function
  payments.refuse_other_content('deposit_id attempt psp reference charge_reference asset amount sent_at');
revoke delete, truncate on payments.late_void from pitboss_writer;

-- Money that moved at the bank and that nobody can place: in suspense from its movement until two people have proven whose
-- it is, or the PSP's file tells its payout. The subject is that of its work item and of its journals.
create table payments.suspense_item (
  subject text primary key,
  -- Of the suspense account, `suspense:{psp}`.
  psp text not null,
  asset text not null references wallet.asset,
  -- Signed as our account at the bank moved.
  amount numeric(38, 0) not null check (amount <> 0),
  -- What the bank's line names, so that a payout of a PSP is known again.
  end_to_end_id text,
  reference text not null,
  journal_id uuid not null unique references wallet.journal,
  opened_at timestamptz not null default now(),
  proposed_by uuid references backoffice.operator,
  proposed_kind text check (proposed_kind in ('correction', 'bank-entry', 'journal', 'break')),
  proposed_reference text,
  proposed_at timestamptz,
  released_at timestamptz,
  -- operator:{id}, or system:reconciliation for a payout.
  released_by text,
  release_kind text check (release_kind in ('correction', 'bank-entry', 'journal', 'break', 'psp-payout')),
  release_reference text,
  release_journal_id uuid unique references wallet.journal,
  check (num_nulls(proposed_by, proposed_kind, proposed_reference, proposed_at) in (0, 4)),
  check (num_nulls(released_at, released_by, release_kind, release_reference, release_journal_id) in (0, 5)),
  -- Four eyes, whatever the code above believes: another person names the same proof.
  check (released_at is null or release_kind = 'psp-payout' or (proposed_by is not null
    and proposed_kind = release_kind and proposed_reference = release_reference
    and released_by <> 'operator:' || proposed_by))
);
create index suspense_item_open on payments.suspense_item (psp, opened_at) where released_at is null;
-- A proof is of one sum of money.
create unique index suspense_proof_once on payments.suspense_item (release_kind, release_reference)
  where release_kind in ('correction', 'journal', 'break');

create function payments.guard_suspense_item() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.released_at is not null then
    raise exception 'what was in suspense is kept as it was released' using errcode = 'integrity_constraint_violation';
  end if;
  if (new.subject, new.psp, new.asset, new.amount, new.end_to_end_id, new.reference, new.journal_id, new.opened_at)
     is distinct from
     (old.subject, old.psp, old.asset, old.amount, old.end_to_end_id, old.reference, old.journal_id, old.opened_at) then
    raise exception 'what % holds in suspense cannot change', old.subject using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger suspense_item_guarded before update or delete on payments.suspense_item
  for each row execute function payments.guard_suspense_item();
revoke delete, truncate on payments.suspense_item from pitboss_writer;

alter table payments.work_item drop constraint work_item_proof_kind_check;
alter table payments.work_item add constraint work_item_proof_kind_check
  check (proof_kind in ('ended', 'journal', 'correction', 'refund', 'bank-line', 'void', 'bank-entry', 'break',
    'psp-payout'));

-- Why the PSP's own word says that the file is not whole (its size, where it tells one); null where nothing says so. No line of
-- such a file is read.
alter table payments.settlement_file
  add column truncation text check (length(truncation) between 3 and 500);
create trigger settlement_file_truncation before update of truncation on payments.settlement_file
  for each row execute function compliance.refuse_change();

-- What is sent to a scheme in a dispute cannot be taken back: one person proposes the answer, another one sends it. Answers
-- from before were sent by one.
drop index payments.dispute_response_once;
drop trigger dispute_response_states on payments.dispute_response;
alter table payments.dispute_response
  add column needs_decision boolean not null default false,
  add column decided_by uuid,
  add column decision_reason text check (length(decision_reason) between 3 and 500),
  add column decided_at timestamptz,
  drop constraint dispute_response_state_check,
  drop constraint dispute_response_check1;
alter table payments.dispute_response
  alter column needs_decision set default true,
  alter column state set default 'proposed',
  add constraint dispute_response_state_check
    check (state in ('proposed', 'withdrawn', 'recorded', 'sent', 'refused')),
  add constraint dispute_response_closed check ((state in ('proposed', 'recorded')) = (closed_at is null)),
  add constraint dispute_response_decided check (num_nulls(decided_by, decision_reason, decided_at) in (0, 3)
    and (state <> 'proposed' or decided_by is null)
    and (not needs_decision or state = 'proposed' or decided_by is not null)
    -- Who proposed may take it back, and nothing else.
    and (decided_by <> operator_id or state = 'withdrawn'));
create unique index dispute_response_once on payments.dispute_response (dispute_id, stage)
  where state not in ('refused', 'withdrawn');
create trigger dispute_response_states before update on payments.dispute_response for each row
  execute function payments.guard_state('proposed>recorded proposed>withdrawn recorded>sent recorded>refused');

create function payments.guard_dispute_decision() returns trigger language plpgsql as $$
begin
  if new.needs_decision is distinct from old.needs_decision or (old.decided_by is not null
      and (new.decided_by, new.decision_reason, new.decided_at)
        is distinct from (old.decided_by, old.decision_reason, old.decided_at)) then
    raise exception 'the answer % is decided', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger dispute_response_decided_once before update on payments.dispute_response
  for each row execute function payments.guard_dispute_decision();
