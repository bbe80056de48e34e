-- Facts (outbox), deeds (audit), the inbox of outside parties, and the rules of regulators as data.
create table compliance.outbox (
  id bigint generated always as identity primary key,
  -- The relay's cursor is (xid, id): an id alone would skip rows of a transaction that commits late.
  xid xid8 not null default pg_current_xact_id(),
  event_id uuid not null,
  type text not null,
  version smallint not null,
  brand text not null,
  player_id uuid,
  occurred_at timestamptz not null,
  payload jsonb not null
);
create index outbox_cursor on compliance.outbox (xid, id);
create index outbox_by_player on compliance.outbox (player_id, id) where player_id is not null;
call compliance.make_append_only('compliance.outbox');

create table compliance.audit (
  id bigint generated always as identity primary key,
  event_id uuid not null unique,
  occurred_at timestamptz not null default now(),
  -- player:{id}, operator:{id}, workflow:{id} or system:{process}
  actor text not null,
  action text not null,
  -- {noun}:{id} of what was acted on
  subject text not null,
  brand text not null,
  player_id uuid,
  reason text,
  details jsonb not null
);
create index audit_by_subject on compliance.audit (subject, id);
create index audit_by_player on compliance.audit (player_id, id) where player_id is not null;
call compliance.make_append_only('compliance.audit');

-- One inbox for every outside sender: the unique row is what makes a replayed webhook harmless.
create table compliance.webhook_inbox (
  id bigint generated always as identity primary key,
  source text not null,
  external_id text not null,
  received_at timestamptz not null default now(),
  body text not null,
  -- {noun}:{id} of the workflow to poke, null while unknown
  subject text,
  processed_at timestamptz,
  unique (source, external_id)
);
create index webhook_inbox_open on compliance.webhook_inbox (received_at) where processed_at is null;

create table compliance.jurisdiction_profile (
  jurisdiction text not null,
  version integer not null,
  profile jsonb not null,
  published_at timestamptz not null default now(),
  primary key (jurisdiction, version)
);
call compliance.make_append_only('compliance.jurisdiction_profile');

create table compliance.relay_cursor (
  sink text primary key,
  epoch integer not null default 1,
  xid xid8 not null default '0',
  last_id bigint not null default 0,
  -- Bounds of the block in flight, stored before it is sent, so that a retry is the identical block.
  pending_first_xid xid8,
  pending_first_id bigint,
  pending_last_xid xid8,
  pending_last_id bigint,
  delivered_at timestamptz
);
