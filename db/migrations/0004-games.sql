-- Providers' catalogues, the sessions that a wallet call names, and the state of every round.
create table games.integration (
  id text primary key,
  dialect text not null check (dialect in ('hub88', 'caleta', 'a8r-v2', 'a8r-v1')),
  brand text not null,
  operator_id text not null,
  base_url text not null,
  -- Public key of the caller (RSA dialects); our own key is a secret of the configuration.
  caller_public_key text,
  balance_on_insufficient_funds boolean not null default true,
  enabled boolean not null default true
);

create table games.game (
  integration text not null references games.integration,
  code text not null,
  title text not null,
  category text not null,
  wagering_contribution_bps integer not null default 10000 check (wagering_contribution_bps between 0 and 10000),
  -- A round still open after this time gets a workflow that asks the provider.
  guard_ms integer not null default 30000,
  enabled boolean not null default true,
  primary key (integration, code)
);

create table games.game_session (
  token_hash bytea primary key,
  id uuid not null unique,
  integration text not null,
  player_id uuid not null,
  asset text not null,
  game_code text not null,
  player_session_id uuid,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  foreign key (integration, game_code) references games.game (integration, code)
);
create index game_session_by_player on games.game_session (player_id, issued_at);

create table games.round (
  integration text not null,
  round_ref text not null,
  player_id uuid not null,
  asset text not null,
  game_code text not null,
  state text not null check (state in ('open', 'settled', 'void', 'manual')),
  staked numeric(38, 0) not null default 0,
  won numeric(38, 0) not null default 0,
  opened_at timestamptz not null,
  guard_at timestamptz not null,
  closed_at timestamptz,
  -- Set when the guard has handed the round to its workflow, so that one sweep claims it once.
  guarded_at timestamptz,
  version integer not null default 1,
  primary key (integration, round_ref, player_id)
);
create index round_open on games.round (guard_at) where state = 'open';
create index round_by_player on games.round (player_id, opened_at);
