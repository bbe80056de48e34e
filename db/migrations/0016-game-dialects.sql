-- What the HMAC dialects need: the caller's shared secret, and the free rounds that a provider may report as played.

-- The key of a8r callers. Kept as text, readable by whoever may read this table: sealing it at rest is not done here.
alter table games.integration add column caller_secret text check (caller_secret <> '');

-- A campaign of free rounds at a provider. What was paid for it is the journal `freespins:{issue_id}`, once for ever.
create table games.free_round_issue (
  integration text not null,
  issue_id text not null check (length(issue_id) between 1 and 200),
  player_id uuid not null,
  asset text not null,
  game_code text not null,
  issued_at timestamptz not null default now(),
  primary key (integration, issue_id),
  foreign key (integration, game_code) references games.game (integration, code)
);
create index free_round_issue_by_player on games.free_round_issue (player_id, issued_at);
