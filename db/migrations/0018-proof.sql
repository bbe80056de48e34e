-- The proof of the ledger: a Merkle log over all journals with signed checkpoints, and the audit that runs every minute.
-- Nothing here is touched by a bet: the relay writes the log after the commit.

-- Which journal each leaf is. The hash of a leaf lies in the tiles; the content in the ledger.
create table wallet.log_leaf (
  index bigint primary key check (index >= 0),
  -- No foreign key: it would lock, and so rewrite, the journal's row.
  journal_id uuid not null unique,
  occurred_at timestamptz not null
);
-- Leaves come in nearly in order of time: an audit finds those of a minute without an index that grows with them.
create index log_leaf_by_time on wallet.log_leaf using brin (occurred_at) with (pages_per_range = 16, autosummarize = on);
call compliance.make_append_only('wallet.log_leaf');

-- Tiles of C2SP tlog-tiles: hash i of level l is the root of the 256^l leaves from i * 256^l on; 256 hashes a tile.
create table wallet.log_tile (
  level smallint not null check (level between 0 and 7),
  number bigint not null check (number >= 0),
  hashes bytea not null check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
  primary key (level, number)
);
alter table wallet.log_tile alter column hashes set storage external;

-- A tile grows at its end and never otherwise.
create function wallet.refuse_tile_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.level = old.level and new.number = old.number
    and length(new.hashes) > length(old.hashes) and substring(new.hashes for length(old.hashes)) = old.hashes then
    return new;
  end if;
  raise exception 'a tile of the ledger''s log only grows: % is refused', tg_op using errcode = 'integrity_constraint_violation';
end
$$;
create trigger only_grows before update or delete on wallet.log_tile for each row execute function wallet.refuse_tile_change();
create trigger append_only_table before truncate on wallet.log_tile for each statement execute function compliance.refuse_change();
revoke delete, truncate on wallet.log_tile from pitboss_writer;

-- Public keys that have signed, as signed notes spell them (name+id+key).
create table wallet.log_key (
  vkey text primary key,
  first_used_at timestamptz not null default now()
);
call compliance.make_append_only('wallet.log_key');

create table wallet.log_checkpoint (
  size bigint primary key check (size > 0),
  root bytea not null check (length(root) = 32),
  -- The signed note, complete: what is served and what anybody can check.
  note text not null,
  signed_at timestamptz not null default now()
);
call compliance.make_append_only('wallet.log_checkpoint');

-- What witnesses have put below a checkpoint after they had seen that it continues the one before.
create table wallet.log_cosignature (
  size bigint not null references wallet.log_checkpoint,
  witness text not null,
  -- The line of the note, complete.
  line text not null,
  received_at timestamptz not null default now(),
  primary key (size, witness)
);
call compliance.make_append_only('wallet.log_cosignature');

create table wallet.audit_run (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('minute', 'full')),
  started_at timestamptz not null,
  finished_at timestamptz not null default clock_timestamp(),
  -- 'incomplete': something could not be looked at, and nothing that was looked at differed.
  outcome text not null check (outcome in ('clean', 'different', 'incomplete')),
  -- Leaves that were new to this run, those that were looked at once more, and the minutes held against ClickHouse.
  first_leaf bigint not null,
  next_leaf bigint not null check (next_leaf >= first_leaf),
  patrol_first bigint not null,
  -- Where the patrol goes on; below the first one when it has begun anew from leaf 0.
  patrol_next bigint not null,
  next_minute timestamptz,
  -- [{"name", "outcome", "covered", "findings": []}]
  checks jsonb not null
);
create index audit_run_by_kind on wallet.audit_run (kind, id);
call compliance.make_append_only('wallet.audit_run');

create table wallet.audit_request (
  id bigint generated always as identity primary key,
  operator_id uuid not null,
  reason text not null,
  requested_at timestamptz not null default now()
);
call compliance.make_append_only('wallet.audit_request');

-- While one is open no money leaves: withdrawals are not taken in and payouts are not sent. Bets do not look here.
create table wallet.withdrawal_stop (
  id bigint generated always as identity primary key,
  audit_run_id bigint not null references wallet.audit_run,
  set_at timestamptz not null default now(),
  findings text[] not null,
  lifted_at timestamptz,
  lifted_by uuid,
  lift_reason text,
  -- The clean audit that it was lifted after; null when two people lifted it.
  clean_run_id bigint references wallet.audit_run,
  check ((lifted_at is null) = (lifted_by is null)),
  check ((lifted_at is null) = (lift_reason is null)),
  check (lifted_at is not null or clean_run_id is null)
);
create unique index withdrawal_stop_open on wallet.withdrawal_stop ((true)) where lifted_at is null;

create table wallet.withdrawal_stop_approval (
  stop_id bigint not null references wallet.withdrawal_stop,
  operator_id uuid not null,
  reason text not null,
  approved_at timestamptz not null default now(),
  primary key (stop_id, operator_id)
);
call compliance.make_append_only('wallet.withdrawal_stop_approval');

-- A stop ends once, after a clean audit that began after it was set and looked as far as the one that set it, or by two.
create function wallet.refuse_stop_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.lifted_at is null and new.lifted_at is not null
    and (new.id, new.audit_run_id, new.set_at, new.findings) = (old.id, old.audit_run_id, old.set_at, old.findings)
    and (case when new.clean_run_id is null
      then (select count(*) from wallet.withdrawal_stop_approval a where a.stop_id = old.id) >= 2
      else exists (select 1 from wallet.audit_run r join wallet.audit_run f on f.id = old.audit_run_id
                   where r.id = new.clean_run_id and r.outcome = 'clean' and r.started_at > old.set_at
                     and (r.kind = 'full' or f.kind = 'minute'))
      end) then
    return new;
  end if;
  raise exception 'a stop of withdrawals is lifted once, after a clean audit or by two people'
    using errcode = 'integrity_constraint_violation';
end
$$;
create trigger lifted_once before update or delete on wallet.withdrawal_stop
  for each row execute function wallet.refuse_stop_change();
create trigger append_only_table before truncate on wallet.withdrawal_stop
  for each statement execute function compliance.refuse_change();
revoke delete, truncate on wallet.withdrawal_stop from pitboss_writer;
