-- What was never verified is not kept (GDPR art. 5(1)(e)): closing such a registration destroys its keys from now on, and here
-- those of the ones that were closed before.
update pam.player_key k set wrapped = null, destroyed_at = now()
  from pam.player p
  where p.id = k.player_id and p.status = 'closed' and p.email_verified_at is null and k.wrapped is not null;

create function pam.refuse_key_revival() returns trigger language plpgsql as $$
begin
  raise exception 'the key of player % is destroyed', old.player_id using errcode = 'integrity_constraint_violation';
end
$$;
create trigger player_key_stays_destroyed before update on pam.player_key
  for each row when (old.destroyed_at is not null and new is distinct from old)
  execute function pam.refuse_key_revival();

-- One request of a player who has lost his password. Whichever of its mails arrives, one link is used once; the end of one
-- is the end of all that are open.
create table pam.password_reset (
  id uuid primary key,
  player_id uuid not null references pam.player,
  requested_at timestamptz not null default now(),
  expires_at timestamptz not null,
  completed_at timestamptz,
  -- Another one was used, so that this one's links are worth nothing.
  superseded_at timestamptz,
  check (expires_at > requested_at),
  check (completed_at is null or superseded_at is null)
);
create index password_reset_by_player on pam.password_reset (player_id, requested_at);

-- The link of a mail by its hash; each try to send makes a token of its own.
create table pam.password_reset_token (
  token_hash bytea primary key,
  reset_id uuid not null references pam.password_reset,
  issued_at timestamptz not null default now()
);
create index password_reset_token_by_reset on pam.password_reset_token (reset_id);

create function pam.refuse_reset_change() returns trigger language plpgsql as $$
begin
  if new.id <> old.id or new.player_id <> old.player_id or new.requested_at <> old.requested_at
     or new.expires_at <> old.expires_at then
    raise exception 'what reset % is about cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.completed_at is not null or old.superseded_at is not null then
    raise exception 'reset % is over', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger password_reset_states before update on pam.password_reset
  for each row execute function pam.refuse_reset_change();

revoke select on pam.password_reset_token from pitboss_reader;
