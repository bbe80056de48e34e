-- Provider connections as versioned data with sealed keys, imported catalogues, and free rounds with a life of their own.

-- Dialects are the entries of the registry in domain/games/dialects.ts; the database knows only their form.
alter table games.integration drop constraint integration_dialect_check;
alter table games.integration
  add constraint integration_dialect_form check (dialect ~ '^[a-z][a-z0-9-]{1,19}$'),
  add column version integer not null default 1,
  add column sub_partner_id text,
  -- Networks that wallet calls may come from; none means anywhere, because the signature decides all the same.
  add column caller_networks inet[] not null default '{}',
  -- Looked at where the dialect has a call that replaces tokens.
  add column tokens_rotate boolean not null default true,
  -- Whether a launch names the player to a provider whose dialect has fields for it.
  add column shares_personal_data boolean not null default false,
  -- Whether games that an import finds are offered at once, or wait for an operator.
  add column new_games_enabled boolean not null default true,
  add column import_every_h integer check (import_every_h between 1 and 720),
  -- Of dialects whose catalogue is a file and not a call.
  add column catalogue_url text,
  add column created_at timestamptz not null default now();

-- Every change is a version; who made it and why is the audit trail's.
create table games.integration_version (
  integration text not null references games.integration,
  version integer not null,
  config jsonb not null,
  published_at timestamptz not null default now(),
  primary key (integration, version)
);
call compliance.make_append_only('games.integration_version');

create function games.version_integration() returns trigger language plpgsql as $$
begin
  if new.id <> old.id or new.brand <> old.brand then
    raise exception 'integration % stays with its brand', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  new.version := old.version + 1;
  return new;
end
$$;
create trigger integration_versions before update on games.integration
  for each row when (old is distinct from new) execute function games.version_integration();

create function games.keep_integration_version() returns trigger language plpgsql as $$
begin
  insert into games.integration_version (integration, version, config)
  values (new.id, new.version, to_jsonb(new) - 'caller_secret') on conflict do nothing;
  return null;
end
$$;

-- Keys of both sides. A secret is AES-256-GCM under a data key of its own, which is wrapped by the platform's
-- key-encryption key; what can be read back is the fingerprint.
create table games.integration_credential (
  id uuid primary key,
  integration text not null references games.integration,
  -- rsa-public: the caller's, verifies. rsa-private: ours, signs. hmac-secret: shared, does both.
  kind text not null check (kind in ('rsa-public', 'rsa-private', 'hmac-secret')),
  fingerprint text not null check (fingerprint ~ '^[0-9a-f]{32,64}$'),
  public_key text,
  key_id text,
  wrapped bytea,
  sealed bytea,
  state text not null check (state in ('proposed', 'active', 'refused', 'retired')),
  -- Accepted from the caller in between.
  valid_from timestamptz not null,
  valid_until timestamptz check (valid_until > valid_from),
  -- Of those of ours in force, the one with the latest instant signs; null never does.
  signs_from timestamptz,
  reason text not null,
  proposed_by text not null,
  proposed_at timestamptz not null default now(),
  decided_by text,
  decided_at timestamptz,
  check ((kind = 'hmac-secret') = (public_key is null)),
  check (kind <> 'rsa-public' or (signs_from is null and sealed is null)),
  -- A key that is over loses its data key and with it its secret.
  check (kind = 'rsa-public' or state in ('refused', 'retired') or wrapped is not null),
  check ((wrapped is null) or (sealed is not null and key_id is not null)),
  check ((state = 'proposed') = (decided_by is null)),
  -- Four eyes; what the platform's own configuration brings was decided by whoever may write that.
  check (state not in ('active', 'refused') or decided_by <> proposed_by or proposed_by = 'system:configuration')
);
create index integration_credential_of on games.integration_credential (integration, state);
create unique index integration_credential_once on games.integration_credential (integration, kind, fingerprint)
  where state in ('proposed', 'active');

create function games.guard_credential() returns trigger language plpgsql as $$
begin
  -- Two decisions about one integration are taken one after the other, or both would count the same keys.
  perform from games.integration where id = new.integration for update;
  if tg_op = 'UPDATE' then
    if new.id <> old.id or new.integration <> old.integration or new.kind <> old.kind
      or new.fingerprint <> old.fingerprint or new.public_key is distinct from old.public_key
      or new.sealed is distinct from old.sealed and new.sealed is not null
      or new.proposed_by <> old.proposed_by then
      raise exception 'credential % cannot become another one', old.id
        using errcode = 'integrity_constraint_violation';
    end if;
    if new.state <> old.state and not (
      (old.state = 'proposed' and new.state in ('active', 'refused'))
      or (old.state = 'active' and new.state = 'retired')) then
      raise exception 'credential % cannot go from % to %', old.id, old.state, new.state
        using errcode = 'integrity_constraint_violation';
    end if;
  end if;
  if new.state = 'active' and (
    select count(*) from games.integration_credential c
    where c.integration = new.integration and c.kind = new.kind and c.state = 'active' and c.id <> new.id
      and (c.valid_until is null or c.valid_until > now())
  ) >= 2 then
    raise exception 'integration % has two active keys of this kind', new.integration
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger credential_states before insert or update on games.integration_credential
  for each row execute function games.guard_credential();

insert into games.integration_credential (id, integration, kind, fingerprint, public_key, state, valid_from, reason,
  proposed_by, decided_by, decided_at)
select gen_random_uuid(), id, 'rsa-public',
  encode(sha256(decode(regexp_replace(caller_public_key, '-----[A-Z ]+-----|\s', '', 'g'), 'base64')), 'hex'),
  caller_public_key, 'active', now(), 'taken over from the integration', 'system:configuration',
  'system:configuration', now()
from games.integration where caller_public_key is not null;

alter table games.integration drop column caller_public_key;

-- SQL has no key to seal with: the seed seals what is left here at the next start and clears it. Nothing reads it else.
create function games.refuse_plain_secret() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or new.caller_secret is distinct from old.caller_secret then
    raise exception 'secrets are sealed: integration_credential takes them'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger integration_no_plain_secret before insert or update on games.integration
  for each row when (new.caller_secret is not null) execute function games.refuse_plain_secret();

insert into games.integration_version (integration, version, config)
select id, version, to_jsonb(i) - 'caller_secret' from games.integration i;
create trigger integration_keep_version after insert or update on games.integration
  for each row execute function games.keep_integration_version();

-- What a provider's list says about a game (listed and the columns before it) beside what the operator decides
-- (enabled, wagering_contribution_bps, guard_ms): an import writes the former alone.
alter table games.game
  add column provider text,
  add column producer text,
  add column live boolean not null default false,
  add column image_url text,
  add column background_url text,
  add column platforms text[] not null default '{}',
  add column blocked_countries text[] not null default '{}',
  add column has_demo boolean,
  add column has_free_rounds boolean,
  add column released_at timestamptz,
  add column recalled_at timestamptz,
  add column listed boolean not null default true,
  add column playable boolean generated always as (enabled and listed) stored;
create index game_lobby on games.game (title, integration, code) where playable;

create table games.catalogue_import (
  id uuid primary key,
  integration text not null references games.integration,
  brand text not null,
  state text not null check (state in ('requested', 'done', 'refused', 'failed')),
  requested_by text not null,
  -- A list that would withdraw most of a catalogue is taken for a mistake of the provider unless this is set.
  may_withdraw_most boolean not null default false,
  requested_at timestamptz not null default now(),
  ended_at timestamptz,
  listed_count integer not null default 0,
  unreadable_count integer not null default 0,
  added_count integer not null default 0,
  changed_count integer not null default 0,
  withdrawn_count integer not null default 0,
  returned_count integer not null default 0,
  -- Codes of the games concerned, the first thousand of each kind.
  diff jsonb not null default '{}',
  failure text,
  check ((state = 'requested') = (ended_at is null))
);
create unique index catalogue_import_one_open on games.catalogue_import (integration) where state = 'requested';
create index catalogue_import_of on games.catalogue_import (integration, requested_at);

create function games.refuse_import_change() returns trigger language plpgsql as $$
begin
  if old.state <> 'requested' or new.id <> old.id or new.integration <> old.integration then
    raise exception 'catalogue import % has ended', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger catalogue_import_states before update on games.catalogue_import
  for each row execute function games.refuse_import_change();

-- Free rounds: the row exists before the provider is asked, and its id is the provider's issue id or reward uuid.
alter table games.free_round_issue
  add column id uuid not null default gen_random_uuid() unique,
  add column brand text,
  add column state text not null default 'issued'
    check (state in ('requested', 'issued', 'refused', 'cancelling', 'cancelled', 'ended')),
  -- All games of the issue; game_code is the first.
  add column game_codes text[] not null default '{}',
  add column round_count integer check (round_count > 0),
  -- Stake of one free round at ledger scale; null where the provider's offer fixes it.
  add column bet_value numeric(38, 0) check (bet_value > 0),
  add column valid_until timestamptz,
  -- Hub88: the prepaid offer that the operator named, and the one that was found to serve the order.
  add column prepaid_id text,
  add column prepaid jsonb,
  add column campaign_id text,
  add column fingerprint bytea,
  add column requested_by uuid,
  add column reason text,
  -- Why the provider refused to issue, or the last time to cancel.
  add column failure text,
  add column ended_at timestamptz;

create function games.guard_free_rounds() returns trigger language plpgsql as $$
begin
  if new.integration <> old.integration or new.issue_id <> old.issue_id or new.id <> old.id
    or new.player_id <> old.player_id or new.asset <> old.asset
    or new.round_count is distinct from old.round_count or new.bet_value is distinct from old.bet_value then
    raise exception 'free rounds % cannot become others', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.state <> old.state and not (
    (old.state = 'requested' and new.state in ('issued', 'refused', 'cancelling'))
    or (old.state = 'issued' and new.state in ('cancelling', 'ended'))
    or (old.state = 'cancelling' and new.state in ('issued', 'cancelled', 'ended'))) then
    raise exception 'free rounds % cannot go from % to %', old.id, old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger free_round_states before update on games.free_round_issue
  for each row execute function games.guard_free_rounds();
create index free_round_issue_open on games.free_round_issue (issued_at)
  where state in ('requested', 'cancelling');

-- A campaign at a provider that has them (Hub88): the row first, since the provider knows no key for making one.
create table games.free_round_campaign (
  id uuid primary key,
  integration text not null references games.integration,
  name text not null,
  terms jsonb not null,
  state text not null check (state in ('requested', 'created', 'refused', 'unknown')),
  campaign_id text,
  failure text,
  fingerprint bytea not null,
  requested_by uuid not null,
  requested_at timestamptz not null default now(),
  check ((state = 'created') = (campaign_id is not null))
);
create index free_round_campaign_of on games.free_round_campaign (integration, requested_at);

create function games.guard_campaign() returns trigger language plpgsql as $$
begin
  if old.state <> 'requested' or new.id <> old.id or new.terms <> old.terms then
    raise exception 'campaign % has been decided', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger free_round_campaign_states before update on games.free_round_campaign
  for each row execute function games.guard_campaign();
