-- Identity checks at an outside vendor. No personal data lives here: the vendor's hosted page collects it.
create table kyc.verification (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  profile_version integer not null,
  level text not null check (level in ('L1', 'L2', 'L3')),
  state text not null default 'opened'
    check (state in ('opened', 'pending', 'on-hold', 'approved', 'refused', 'expired')),
  -- Why a person must look: the vendor asks for it, or the player has used up the attempts.
  hold_reason text check (hold_reason in ('vendor', 'attempts')),
  attempt smallint not null default 1 check (attempt between 1 and 3),
  vendor_applicant_id text,
  -- Names the vendor's review that was acted on last, so that a repeated webhook does not use up an attempt.
  vendor_review_ref text,
  -- Our own words for the vendor's reject labels.
  labels text[] not null default '{}',
  decided_by uuid,
  decided_at timestamptz,
  opened_at timestamptz not null default now(),
  expires_at timestamptz not null,
  fingerprint bytea not null,
  check ((state = 'on-hold') = (hold_reason is not null)),
  check ((state in ('approved', 'refused', 'expired')) = (decided_at is not null))
);
create unique index verification_open on kyc.verification (player_id, level)
  where state in ('opened', 'pending', 'on-hold');
create index verification_by_player on kyc.verification (player_id, opened_at);
create index verification_by_applicant on kyc.verification (vendor_applicant_id, opened_at)
  where vendor_applicant_id is not null;
create index verification_on_hold on kyc.verification (opened_at) where state = 'on-hold';

create function kyc.refuse_verification_change() returns trigger language plpgsql as $$
begin
  if new.id <> old.id or new.player_id <> old.player_id or new.brand <> old.brand or new.level <> old.level
     or new.jurisdiction <> old.jurisdiction or new.profile_version <> old.profile_version
     or new.fingerprint <> old.fingerprint or new.expires_at < old.expires_at then
    raise exception 'what verification % is about cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.vendor_applicant_id is not null and new.vendor_applicant_id is distinct from old.vendor_applicant_id then
    raise exception 'verification % has its applicant', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.attempt < old.attempt or new.attempt > old.attempt + 1 then
    raise exception 'attempts of verification % only count up', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.state in ('approved', 'refused', 'expired') then
    raise exception 'verification % is %', old.id, old.state using errcode = 'integrity_constraint_violation';
  end if;
  -- Back to the player only with a new attempt.
  if new.state = 'opened' and old.state <> 'opened' and new.attempt = old.attempt then
    raise exception 'verification % cannot reopen without a new attempt', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger verification_states before update on kyc.verification
  for each row execute function kyc.refuse_verification_change();

create function kyc.refuse_verification_delete() returns trigger language plpgsql as $$
begin
  raise exception 'verifications are kept' using errcode = 'integrity_constraint_violation';
end
$$;
create trigger verification_kept before delete on kyc.verification
  for each row execute function kyc.refuse_verification_delete();

-- Who holds which level, and on what evidence. A player's level is the highest grant that is not revoked.
create table kyc.level_grant (
  player_id uuid not null,
  level text not null check (level in ('L1', 'L2', 'L3')),
  verification_id uuid not null references kyc.verification,
  profile_version integer not null,
  granted_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (verification_id)
);
create index level_grant_by_player on kyc.level_grant (player_id) where revoked_at is null;
