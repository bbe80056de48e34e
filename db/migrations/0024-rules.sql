-- Rule sets as versions that cannot change, their way from draft to live, and every routing decision with its inputs.
create table backoffice.rule_version (
  id uuid primary key,
  -- {module}.{what it decides}; the code holds the list.
  rule_set text not null check (rule_set ~ '^[a-z-]+\.[a-z-]+$'),
  brand text not null references pam.brand,
  version integer not null check (version > 0),
  state text not null default 'draft'
    check (state in ('draft', 'published', 'shadow', 'live', 'retired', 'discarded')),
  content jsonb not null,
  -- SHA-256 of the content's canonical text: simulation and publication name what they saw.
  content_hash bytea not null check (length(content_hash) = 32),
  note text not null check (length(note) between 1 and 500),
  -- operator:{id}, or system:seed for the first version of a new brand.
  author text not null check (author like 'operator:%' or (author = 'system:seed' and version = 1)),
  fingerprint bytea not null,
  created_at timestamptz not null default now(),
  -- The last simulation on history: what it counted, and of which content.
  simulation jsonb,
  simulated_hash bytea,
  simulated_at timestamptz,
  published_by text,
  publish_reason text,
  published_at timestamptz,
  -- The last time that it went live; kept, because only what was live before can be rolled back to.
  live_at timestamptz,
  retired_at timestamptz,
  unique (rule_set, brand, version),
  check ((published_by is null) = (published_at is null)),
  check (state in ('draft', 'discarded') or published_by is not null),
  -- Four eyes, whatever the code above believes.
  check (published_by is null or published_by <> author),
  check (published_by is null or published_by like 'operator:%' or author = 'system:seed'),
  check (published_by is null or author = 'system:seed' or simulated_hash is not distinct from content_hash),
  check ((simulation is null) = (simulated_at is null) and (simulation is null) = (simulated_hash is null)),
  check (state <> 'live' or live_at is not null)
);
create unique index rule_version_live on backoffice.rule_version (rule_set, brand) where state = 'live';
create unique index rule_version_shadow on backoffice.rule_version (rule_set, brand) where state = 'shadow';

create function backoffice.guard_rule_version() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'versions of rules are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.rule_set, new.brand, new.version, new.content, new.content_hash, new.note, new.author,
      new.fingerprint, new.created_at)
     is distinct from
     (old.id, old.rule_set, old.brand, old.version, old.content, old.content_hash, old.note, old.author,
      old.fingerprint, old.created_at) then
    raise exception 'version % of % cannot change', old.version, old.rule_set
      using errcode = 'integrity_constraint_violation';
  end if;
  if old.published_by is not null and (new.published_by, new.publish_reason, new.published_at)
     is distinct from (old.published_by, old.publish_reason, old.published_at) then
    raise exception 'who published version % of % cannot change', old.version, old.rule_set
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.state <> old.state and not (old.state || '>' || new.state) = any (array['draft>published', 'draft>discarded',
      'published>shadow', 'published>live', 'published>retired', 'shadow>live', 'shadow>retired', 'live>retired',
      'retired>live']) then
    raise exception 'version % of % cannot go from % to %', old.version, old.rule_set, old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  -- A version that was never live has not been tried: there is nothing to roll back to.
  if old.state = 'retired' and new.state = 'live' and old.live_at is null then
    raise exception 'version % of % was never live', old.version, old.rule_set
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger rule_version_guarded before update or delete on backoffice.rule_version
  for each row execute function backoffice.guard_rule_version();
revoke delete, truncate on backoffice.rule_version from pitboss_writer;

-- One row for each deposit that rules routed: enough to decide it again and to explain it years later.
create table payments.routing_decision (
  deposit_id uuid primary key references payments.deposit,
  brand text not null,
  rule_version_id uuid not null references backoffice.rule_version,
  -- The inputs as seen, absent ones as null; the rows that were asked, a digit per condition.
  inputs jsonb not null,
  trace jsonb not null,
  -- The row that decided, null for the default.
  row_name text,
  -- Where in the volume it fell, in basis points.
  bucket smallint not null check (bucket between 0 and 9999),
  -- As decided, before PSPs that the brand or the card does not offer fell out.
  psps text[] not null,
  -- What the version under trial would have decided; no effect.
  shadow_version_id uuid references backoffice.rule_version,
  shadow_psps text[],
  took_us integer not null check (took_us >= 0),
  decided_at timestamptz not null default now(),
  check ((shadow_version_id is null) = (shadow_psps is null))
);
create index routing_decision_by_brand on payments.routing_decision (brand, decided_at desc, deposit_id desc);
call compliance.make_append_only('payments.routing_decision');

-- The health of PSPs is counted over the last minutes; the column is written once, so updates of attempts stay cheap.
create index attempt_recent on payments.attempt (started_at);
