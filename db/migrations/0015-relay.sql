-- Facts that a sink refused for a reason of their own, kept so that one of them cannot hold back all that follow.
create table compliance.relay_dead_letter (
  id bigint generated always as identity primary key,
  sink text not null,
  event_id uuid not null,
  type text not null,
  failed_at timestamptz not null default now(),
  reason text not null,
  resolved_at timestamptz,
  unique (sink, event_id)
);
create index relay_dead_letter_open on compliance.relay_dead_letter (failed_at) where resolved_at is null;
