-- Assessments with the facts that they were made on, so that a decision can be explained years later.
create table risk.assessment (
  id uuid primary key,
  -- {noun}:{id} of what was assessed
  subject text not null unique,
  player_id uuid not null,
  brand text not null,
  outcome text not null check (outcome in ('accept', 'review', 'refuse')),
  reasons text[] not null,
  rule_version text not null,
  facts jsonb not null,
  made_at timestamptz not null default now()
);
create index assessment_by_player on risk.assessment (player_id, made_at);
call compliance.make_append_only('risk.assessment');
