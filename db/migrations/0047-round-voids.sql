-- Voids of rounds that a person has: one person proposes to give the stakes back, another one decides on exactly that, and
-- the round's workflow carries it out where the round is still what both of them saw.
create table games.round_void_proposal (
  id uuid primary key,
  integration text not null,
  round_ref text not null,
  player_id uuid not null,
  brand text not null,
  asset text not null references wallet.asset,
  -- The round as it was seen. Any call of its provider since then changes the version.
  round_version integer not null check (round_version > 0),
  -- Which opening of the round by a stake, counted from one: whose workflow is told.
  opening integer not null check (opening > 0),
  -- The provider's ids of the stakes that still stood, and what they come to.
  stakes text[] not null,
  amount numeric(38, 0) not null check (amount >= 0),
  reason text not null check (length(reason) between 10 and 500),
  -- SHA-256 of what is to be given back; the decision repeats it.
  content_hash bytea not null check (octet_length(content_hash) = 32),
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  proposed_by uuid not null check (proposed_by <> player_id),
  proposed_at timestamptz not null default now(),
  state text not null default 'proposed' check (state in ('proposed', 'approved', 'rejected', 'carried-out', 'stale')),
  decided_by uuid check (decided_by <> player_id),
  -- The roles held at that moment; the amount of an approval lies in their band.
  decided_roles text[],
  decided_hash bytea,
  decision_note text check (length(decision_note) between 1 and 500),
  decided_at timestamptz,
  carried_out_at timestamptz,
  foreign key (integration, round_ref, player_id) references games.round (integration, round_ref, player_id),
  check (cardinality(stakes) > 0 or amount = 0),
  check (decided_hash = content_hash),
  check (num_nulls(decided_by, decided_roles, decided_hash, decided_at) in (0, 4)),
  check (decision_note is null or decided_by is not null),
  check (state <> 'proposed' or decided_by is null),
  check (state not in ('approved', 'rejected', 'carried-out') or decided_by is not null),
  -- Who proposed it may take it back, and no more.
  check (state = 'rejected' or decided_by <> proposed_by),
  check ((state = 'carried-out') = (carried_out_at is not null))
);
create unique index round_void_proposal_open on games.round_void_proposal (integration, round_ref, player_id)
  where state in ('proposed', 'approved');
create index round_void_proposal_by_time on games.round_void_proposal (proposed_at desc, id desc);
create index round_void_proposal_by_player on games.round_void_proposal (player_id, proposed_at desc, id desc);

create function games.guard_round_void_proposal() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'proposals to void a round are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'proposed' then
      raise exception 'a void begins as a proposal' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  if not (old.state || '>' || new.state) = any (array['proposed>approved', 'proposed>rejected', 'proposed>stale',
      'approved>carried-out', 'approved>stale']) then
    raise exception 'the void % cannot go from % to %', old.id, old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.integration, new.round_ref, new.player_id, new.brand, new.asset, new.round_version, new.opening,
      new.stakes, new.amount, new.reason, new.content_hash, new.fingerprint, new.proposed_by, new.proposed_at)
     is distinct from
     (old.id, old.integration, old.round_ref, old.player_id, old.brand, old.asset, old.round_version, old.opening,
      old.stakes, old.amount, old.reason, old.content_hash, old.fingerprint, old.proposed_by, old.proposed_at) then
    raise exception 'what the void % is about cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.decided_by is not null and
     (new.decided_by, new.decided_roles, new.decided_hash, new.decision_note, new.decided_at) is distinct from
     (old.decided_by, old.decided_roles, old.decided_hash, old.decision_note, old.decided_at) then
    raise exception 'who decided on the void % cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'stale' and old.decided_by is null and new.decided_by is not null then
    raise exception 'nobody decides on the stale void %', old.id using errcode = 'integrity_constraint_violation';
  end if;
  -- The second half of a paired assertion: the transaction that carries it out has given the stakes back before.
  if new.state = 'carried-out' and not exists (select from games.round r where r.integration = new.integration
      and r.round_ref = new.round_ref and r.player_id = new.player_id and r.state = 'void') then
    raise exception 'the round of the void % is not void', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger round_void_proposal_guarded before insert or update or delete on games.round_void_proposal
  for each row execute function games.guard_round_void_proposal();
create trigger round_void_proposal_kept before truncate on games.round_void_proposal
  for each statement execute function compliance.refuse_change();

revoke update, delete, truncate on games.round_void_proposal from pitboss_writer;
grant update (state, decided_by, decided_roles, decided_hash, decision_note, decided_at, carried_out_at)
  on games.round_void_proposal to pitboss_writer;
