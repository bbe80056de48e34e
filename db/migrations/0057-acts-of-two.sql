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
