-- Limits and exclusions. The rows are the law; workflows are only their clocks and ask the database's now().

-- One row per player that every change and every reservation locks, so that decisions about one player never race.
create table responsible_gambling.player_guard (
  player_id uuid primary key
);

-- Versioned: a change ends one row and inserts the next.
create table responsible_gambling."limit" (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  profile_version integer not null,
  kind text not null check (kind in ('deposit', 'loss', 'stake')),
  "window" text not null check ("window" in ('day', 'week', 'month')),
  asset text not null references wallet.asset,
  -- Units at ledger scale.
  amount numeric(38, 0) not null check (amount > 0),
  active boolean not null default true,
  set_at timestamptz not null default now(),
  ended_at timestamptz,
  fingerprint bytea not null,
  check (active = (ended_at is null))
);
create unique index limit_in_force on responsible_gambling."limit" (player_id, kind, "window", asset) where active;

create function responsible_gambling.refuse_limit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'limits are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if not old.active or new.active
     or (to_jsonb(new) - 'active' - 'ended_at') <> (to_jsonb(old) - 'active' - 'ended_at') then
    raise exception 'limit % can only be ended', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger limit_versions before update or delete on responsible_gambling."limit"
  for each row execute function responsible_gambling.refuse_limit_change();

-- An increase or a removal that waits for the jurisdiction's cooling-off.
create table responsible_gambling.limit_change (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  profile_version integer not null,
  kind text not null check (kind in ('deposit', 'loss', 'stake')),
  "window" text not null check ("window" in ('day', 'week', 'month')),
  asset text not null references wallet.asset,
  -- Null removes the limit.
  amount numeric(38, 0) check (amount > 0),
  state text not null default 'cooling-off'
    check (state in ('cooling-off', 'awaiting-confirmation', 'applied', 'cancelled', 'lapsed')),
  requested_at timestamptz not null default now(),
  effective_at timestamptz not null,
  -- Where the regulator wants the player to confirm after the wait (RTS 12): until when that is possible.
  confirm_until timestamptz,
  closed_at timestamptz,
  fingerprint bytea not null,
  check (effective_at >= requested_at),
  check (confirm_until is null or confirm_until > effective_at),
  check ((state in ('applied', 'cancelled', 'lapsed')) = (closed_at is not null))
);
create unique index limit_change_open on responsible_gambling.limit_change (player_id, kind, "window", asset)
  where state in ('cooling-off', 'awaiting-confirmation');
create index limit_change_by_player on responsible_gambling.limit_change (player_id, requested_at);

create function responsible_gambling.refuse_limit_change_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'limit changes are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if (to_jsonb(new) - 'state' - 'closed_at') <> (to_jsonb(old) - 'state' - 'closed_at') then
    raise exception 'what limit change % asks for cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if not (
       (old.state = 'cooling-off' and new.state in ('awaiting-confirmation', 'applied', 'cancelled'))
    or (old.state = 'awaiting-confirmation' and new.state in ('applied', 'cancelled', 'lapsed'))) then
    raise exception 'limit change % cannot go from % to %', old.id, old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.state in ('applied', 'awaiting-confirmation') and now() < old.effective_at then
    raise exception 'limit change % is still cooling off', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger limit_change_states before update or delete on responsible_gambling.limit_change
  for each row execute function responsible_gambling.refuse_limit_change_change();

-- What each deposit took of the limits: taken by the attempt, given back only on a proven failure.
create table responsible_gambling.deposit_reservation (
  deposit_id uuid primary key,
  player_id uuid not null,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  reserved_at timestamptz not null default now(),
  released_at timestamptz
);
create index deposit_reservation_usage on responsible_gambling.deposit_reservation (player_id, asset, reserved_at)
  where released_at is null;

create table responsible_gambling.exclusion (
  player_id uuid not null,
  number integer not null check (number > 0),
  brand text not null,
  jurisdiction text not null,
  profile_version integer not null,
  kind text not null check (kind in ('time-out', 'self-exclusion')),
  started_at timestamptz not null default now(),
  -- 'infinity' for a self-exclusion without a term.
  until timestamptz not null check (until > started_at),
  -- From when the player may ask to return: `until`, or the shortest term where there is no end.
  reinstatable_from timestamptz not null,
  state text not null default 'active'
    check (state in ('active', 'reinstatement-possible', 'reinstatement-requested', 'ended')),
  -- The end of the wait after the player asked to return.
  reinstated_at timestamptz,
  ended_at timestamptz,
  primary key (player_id, number),
  check (kind = 'self-exclusion' or state in ('active', 'ended')),
  check ((state = 'reinstatement-requested') <= (reinstated_at is not null)),
  check ((state = 'ended') = (ended_at is not null))
);
create unique index exclusion_open on responsible_gambling.exclusion (player_id, kind) where state <> 'ended';

create function responsible_gambling.refuse_exclusion_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'exclusions are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if old.state = 'ended' then
    raise exception 'exclusion %/% has ended', old.player_id, old.number using errcode = 'integrity_constraint_violation';
  end if;
  if new.player_id <> old.player_id or new.number <> old.number or new.kind <> old.kind
     or new.started_at <> old.started_at then
    raise exception 'what exclusion %/% is cannot change', old.player_id, old.number
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.until < old.until or new.reinstatable_from < old.reinstatable_from then
    raise exception 'exclusion %/% is never shortened', old.player_id, old.number
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'ended' and (
       (old.kind = 'time-out' and now() < new.until)
    or (old.kind = 'self-exclusion'
        and (old.state <> 'reinstatement-requested' or old.reinstated_at is null or now() < old.reinstated_at))) then
    raise exception 'exclusion %/% still holds', old.player_id, old.number using errcode = 'integrity_constraint_violation';
  end if;
  if new.state in ('reinstatement-possible', 'reinstatement-requested') and now() < new.reinstatable_from then
    raise exception 'exclusion %/% cannot be lifted yet', old.player_id, old.number
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'reinstatement-requested' and old.state = 'active' then
    raise exception 'exclusion %/% must become liftable first', old.player_id, old.number
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger exclusion_states before update or delete on responsible_gambling.exclusion
  for each row execute function responsible_gambling.refuse_exclusion_change();

-- The player's requests, so that a repeat of one meets its row: a request may start, extend or change nothing.
create table responsible_gambling.exclusion_request (
  id uuid primary key,
  player_id uuid not null,
  number integer not null,
  requested_at timestamptz not null default now(),
  fingerprint bytea not null,
  foreign key (player_id, number) references responsible_gambling.exclusion (player_id, number)
);
call compliance.make_append_only('responsible_gambling.exclusion_request');
