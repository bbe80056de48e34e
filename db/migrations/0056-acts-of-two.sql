-- What opens or changes a brake of the cashier is proposed by one person and carried out by another one: a rule that
-- replaces or ends one in force, an entry of a white list, the end of a black or grey entry, other terms of the ramp.
create table payments.act_proposal (
  -- Also the id of what it writes, where it writes something new.
  id uuid primary key,
  kind text not null check (kind in ('payment-rule', 'white-entry', 'entry-ending', 'ramp-terms')),
  brand text not null references pam.brand,
  -- The rule's name, the entry's id, or the brand.
  subject text not null check (length(subject) between 1 and 200),
  -- No personal data: what lists keep as a keyed hash is one here, too.
  content jsonb not null,
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  author text not null check (author like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  fingerprint bytea not null,
  proposed_at timestamptz not null default now(),
  state text not null default 'proposed' check (state in ('proposed', 'applied', 'refused')),
  decided_by text check (decided_by like 'operator:%'),
  decision_reason text check (length(decision_reason) between 3 and 500),
  decided_at timestamptz,
  check (num_nulls(decided_by, decision_reason, decided_at) in (0, 3)),
  check ((state = 'proposed') = (decided_by is null)),
  -- Who proposed it may take it back, and no more.
  check (state <> 'applied' or decided_by <> author)
);
create unique index act_proposal_ending on payments.act_proposal (subject) where kind = 'entry-ending' and state = 'proposed';
create index act_proposal_by_time on payments.act_proposal (proposed_at desc, id desc);
create trigger act_proposal_states before update on payments.act_proposal for each row execute function
  payments.guard_state('proposed>applied proposed>refused');
create trigger act_proposal_content before update or delete on payments.act_proposal for each row execute function
  payments.refuse_other_content('id kind brand subject content payload_hash author reason fingerprint proposed_at');
revoke truncate on payments.act_proposal from pitboss_writer;

-- Money at the bank that is nobody's here goes back to who sent it, by two people. Who that was is kept with it, where the
-- bank has told an account that can be paid to: name and IBAN, under a key of their own that the key ring wraps.
create table payments.suspense_sender (
  subject text primary key references payments.suspense_item,
  sealed bytea not null,
  wrapped bytea not null,
  key_id text not null
);
call compliance.make_append_only('payments.suspense_sender');

create table payments.suspense_return (
  reference text primary key check (reference ~ '^return:[0-9a-f-]{36}$'),
  subject text not null references payments.suspense_item,
  end_to_end_id text not null unique,
  amount numeric(38, 0) not null check (amount > 0),
  proposed_by uuid not null references backoffice.operator,
  decided_by uuid not null references backoffice.operator,
  batch_id uuid references payments.payout_batch,
  position integer,
  state text not null default 'queued' check (state in ('queued', 'batched', 'accepted', 'rejected', 'booked')),
  reason text,
  queued_at timestamptz not null default now(),
  booked_at timestamptz,
  -- Four eyes, whatever the code above believes.
  check (proposed_by <> decided_by),
  check (case when state = 'queued' then batch_id is null when state = 'rejected' then true else batch_id is not null end),
  check ((batch_id is null) = (position is null)),
  check ((state = 'booked') = (booked_at is not null)),
  unique (batch_id, position)
);
create unique index suspense_return_once on payments.suspense_return (subject) where state <> 'rejected';
create index suspense_return_queued on payments.suspense_return (queued_at) where state = 'queued';
create trigger suspense_return_states before update on payments.suspense_return for each row execute function payments.guard_state(
  'queued>batched queued>rejected batched>queued batched>accepted batched>rejected batched>booked accepted>booked accepted>rejected');
create trigger suspense_return_content before update or delete on payments.suspense_return for each row execute function
  payments.refuse_other_content('reference subject end_to_end_id amount proposed_by decided_by queued_at');
create trigger suspense_return_of_given_up_file before update on payments.suspense_return
  for each row when (old.state = 'batched' and new.state = 'queued') execute function payments.check_file_given_up();

-- Only what stands in suspense, to the unit, and as it was proposed.
create function payments.check_suspense_return() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from payments.suspense_item i join payments.suspense_sender s on s.subject = i.subject
      where i.subject = new.subject and i.released_at is null and i.asset = 'EUR' and i.amount = new.amount
        and i.proposed_kind = 'return' and i.proposed_by = new.proposed_by) then
    raise exception 'nothing of % is to be returned so', new.subject using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger suspense_return_of_item before insert on payments.suspense_return
  for each row execute function payments.check_suspense_return();
-- What is on its way back is not released by another proof.
create function payments.check_suspense_returning() returns trigger language plpgsql as $$
begin
  if exists (select 1 from payments.suspense_return where subject = new.subject and state in ('queued', 'batched', 'accepted')) then
    raise exception '% is being returned', new.subject using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger suspense_item_not_returning before update on payments.suspense_item
  for each row when (old.released_at is null and new.released_at is not null) execute function payments.check_suspense_returning();

alter table payments.suspense_item
  drop constraint suspense_item_proposed_kind_check,
  drop constraint suspense_item_release_kind_check,
  add constraint suspense_item_proposed_kind_check
    check (proposed_kind in ('correction', 'bank-entry', 'journal', 'break', 'return')),
  add constraint suspense_item_release_kind_check
    check (release_kind in ('correction', 'bank-entry', 'journal', 'break', 'psp-payout', 'return'));
alter table payments.work_item drop constraint work_item_proof_kind_check;
alter table payments.work_item add constraint work_item_proof_kind_check
  check (proof_kind in ('ended', 'journal', 'correction', 'refund', 'bank-line', 'void', 'bank-entry', 'break',
    'psp-payout', 'return'));
