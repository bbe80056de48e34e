-- Brands, accounts and sessions. Personal data is sealed with a key per player, so that erasure is the key's destruction.
create table pam.brand (
  id text primary key check (id ~ '^[a-z][a-z0-9-]{1,30}$'),
  name text not null,
  created_at timestamptz not null default now()
);

-- {"currencies":[…],"jurisdictions":[…],"languages":[…]}; the highest version is the one in force.
create table pam.brand_config (
  brand text not null references pam.brand,
  version integer not null check (version > 0),
  config jsonb not null,
  published_at timestamptz not null default now(),
  primary key (brand, version)
);
call compliance.make_append_only('pam.brand_config');

create table pam.player (
  id uuid primary key,
  brand text not null references pam.brand,
  jurisdiction text not null,
  jurisdiction_version integer not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  currency text not null references wallet.asset,
  status text not null check (status in ('email-unverified', 'active', 'locked', 'closed')),
  -- HMAC of the address under a key of its own; null after erasure.
  email_index bytea,
  email_verified_at timestamptz,
  terms_version integer not null,
  affiliate_code text,
  registered_at timestamptz not null default now(),
  unique (brand, email_index)
);
create index player_by_registration on pam.player (brand, registered_at, id);

create function pam.refuse_player_change() returns trigger language plpgsql as $$
begin
  if new.id <> old.id or new.brand <> old.brand or new.currency <> old.currency
     or new.registered_at <> old.registered_at then
    raise exception 'identity of player % cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.email_verified_at is not null and new.email_verified_at is distinct from old.email_verified_at then
    raise exception 'player % was verified already', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.status <> old.status and not (
       (old.status = 'email-unverified' and new.status in ('active', 'locked', 'closed'))
    or (old.status = 'active' and new.status in ('locked', 'closed'))
    or (old.status = 'locked' and new.status in ('email-unverified', 'active', 'closed'))) then
    raise exception 'player % cannot go from % to %', old.id, old.status, new.status
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.status = 'active' and new.email_verified_at is null then
    raise exception 'player % cannot be active without a verified address', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger player_states before update on pam.player
  for each row execute function pam.refuse_player_change();

-- Data keys, wrapped by the key-encryption key. Two purposes, because evidence outlives an erasure request.
create table pam.player_key (
  player_id uuid not null references pam.player,
  purpose text not null check (purpose in ('general', 'aml')),
  key_id text not null,
  wrapped bytea,
  destroyed_at timestamptz,
  primary key (player_id, purpose),
  check ((wrapped is null) = (destroyed_at is not null))
);

-- AES-256-GCM over JSON: nonce, ciphertext, tag. 'general' holds contact data, 'aml' holds name and date of birth.
create table pam.player_pii (
  player_id uuid not null references pam.player,
  purpose text not null check (purpose in ('general', 'aml')),
  sealed bytea not null,
  primary key (player_id, purpose)
);

create table pam.credential (
  player_id uuid primary key references pam.player,
  -- argon2id in PHC form: its parameters are stored with it
  password_hash text not null,
  changed_at timestamptz not null default now()
);

-- A device key seen with several players is a signal, so the key alone is not unique.
create table pam.device (
  player_id uuid not null references pam.player,
  device_id uuid not null,
  user_agent text,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  primary key (player_id, device_id)
);
create index device_by_key on pam.device (device_id);

create table pam.session (
  id uuid primary key,
  -- SHA-256 of the token: reading this table opens no session.
  token_hash bytea not null unique,
  player_id uuid not null references pam.player,
  device_id uuid not null,
  ip inet,
  user_agent text,
  opened_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  idle_expires_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoke_reason text,
  foreign key (player_id, device_id) references pam.device (player_id, device_id)
);
create index session_by_player on pam.session (player_id, opened_at);

create function pam.refuse_revival() returns trigger language plpgsql as $$
begin
  if old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at then
    raise exception 'session % stays revoked', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.expires_at > old.expires_at then
    raise exception 'session % has an absolute end', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger session_states before update on pam.session
  for each row execute function pam.refuse_revival();

create table pam.email_verification (
  token_hash bytea primary key,
  player_id uuid not null references pam.player,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index email_verification_by_player on pam.email_verification (player_id, created_at);

-- Failed sign-ins per account and address, counted before the password is looked at, so that a burst cannot outrun it.
create table pam.sign_in_throttle (
  account bytea not null,
  ip text not null,
  window_started_at timestamptz not null default now(),
  attempts integer not null default 1,
  primary key (account, ip)
);

-- What the lock replaced, so that lifting it never lifts a self-exclusion.
create table pam.player_lock (
  player_id uuid not null references pam.player,
  number integer not null,
  locked_at timestamptz not null default now(),
  reason text not null,
  operator_id uuid not null,
  unlocked_at timestamptz,
  unlock_reason text,
  unlock_operator_id uuid,
  primary key (player_id, number)
);
create unique index player_lock_open on pam.player_lock (player_id) where unlocked_at is null;

-- The wallets' brakes at the moment of the lock.
create table pam.player_lock_brake (
  player_id uuid not null,
  number integer not null,
  asset text not null,
  play_blocked_until timestamptz,
  play_block_reason text,
  primary key (player_id, number, asset),
  foreign key (player_id, number) references pam.player_lock (player_id, number)
);
