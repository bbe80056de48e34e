-- The sportsbook: what a feed offers, what its results were, and the bets on it. Money is in the ledger; a bet's row says
-- what it is about and how much of the ledger's money it has been paid so far.
create table games.sport_event (
  id text primary key check (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
  sport text not null,
  name text not null,
  starts_at timestamptz not null,
  state text not null check (state in ('scheduled', 'live', 'ended', 'cancelled')),
  -- Of the feed message that the row stands for: an older one changes nothing.
  sequence bigint not null
);
create index sport_event_by_start on games.sport_event (starts_at, id);

create table games.market (
  event_id text not null references games.sport_event,
  id text not null check (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
  kind text not null,
  name text not null,
  state text not null check (state in ('open', 'suspended', 'closed', 'resulted')),
  sequence bigint not null,
  -- The result in force: 0 for none. Its sequence is that of the last message that said so.
  result_version integer not null default 0,
  result_sequence bigint,
  primary key (event_id, id),
  check ((result_version = 0) = (result_sequence is null)),
  check ((result_version > 0) = (state = 'resulted'))
);

create table games.selection (
  event_id text not null,
  market_id text not null,
  id text not null check (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
  name text not null,
  -- Decimal odds x 1000.
  odds bigint not null check (odds between 1001 and 10000000),
  active boolean not null,
  sequence bigint not null,
  primary key (event_id, market_id, id),
  foreign key (event_id, market_id) references games.market
);

create function games.refuse_market_step() returns trigger language plpgsql as $$
begin
  if old.state = 'resulted' and new.state <> 'resulted' then
    raise exception 'market % of % has its result', old.id, old.event_id using errcode = 'integrity_constraint_violation';
  end if;
  if new.result_version not in (old.result_version, old.result_version + 1) or new.result_sequence < old.result_sequence then
    raise exception 'results of market % of % go forward by one', old.id, old.event_id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger market_states before update on games.market for each row execute function games.refuse_market_step();

-- Every result that was taken. A correction is a new version; only the note that it has been carried out changes a row.
create table games.market_result (
  event_id text not null,
  market_id text not null,
  version integer not null check (version > 0),
  kind text not null check (kind in ('result', 'abandoned')),
  sequence bigint not null,
  -- {"selection": {"result": "won"}}; every selection of the market is named.
  outcomes jsonb not null,
  received_at timestamptz not null default now(),
  settled_at timestamptz,
  -- Single bets that this version settled or corrected.
  bets_settled integer,
  primary key (event_id, market_id, version),
  foreign key (event_id, market_id) references games.market
);
create index market_result_unsettled on games.market_result (received_at) where settled_at is null;

create function games.refuse_result_change() returns trigger language plpgsql as $$
begin
  if old.settled_at is not null or new.settled_at is null
    or (new.event_id, new.market_id, new.version, new.kind, new.sequence, new.outcomes, new.received_at)
      is distinct from (old.event_id, old.market_id, old.version, old.kind, old.sequence, old.outcomes, old.received_at) then
    raise exception 'a result is not changed: the next version corrects it' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger market_result_states before update on games.market_result
  for each row execute function games.refuse_result_change();
create trigger market_result_kept before delete or truncate on games.market_result
  for each statement execute function compliance.refuse_change();
revoke delete, truncate on games.market_result from pitboss_writer;

-- Results that nobody can carry out: of an unknown market or selection, incomplete, or against a later one.
create table games.parked_result (
  id uuid primary key default gen_random_uuid(),
  event_id text not null,
  market_id text not null,
  sequence bigint not null,
  reason text not null check (reason in ('unknown-market', 'unknown-selection', 'incomplete-result', 'contradicts-later-result')),
  message jsonb not null,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  closed_by uuid,
  resolution text,
  check ((closed_at is null) = (resolution is null))
);
create unique index parked_result_once on games.parked_result (event_id, market_id, sequence, md5(message::text)) where closed_at is null;
create index parked_result_open on games.parked_result (opened_at, id) where closed_at is null;

create table games.bet (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  asset text not null references wallet.asset,
  kind text not null check (kind in ('single', 'multiple')),
  -- A workflow of its own follows the bet: multiples, and singles that can be cashed out.
  followed boolean not null,
  stake numeric(38, 0) not null check (stake > 0),
  potential_payout numeric(38, 0) not null check (potential_payout >= 0),
  payout_max numeric(38, 0) not null check (payout_max > 0),
  stake_journal_id uuid not null references wallet.journal,
  fingerprint bytea not null,
  placed_at timestamptz not null default now(),

  state text not null check (state in ('open', 'settled', 'cashed-out')),
  outcome text check (outcome in ('won', 'lost', 'void', 'cashed-out')),
  -- Sum of all that settlements have paid and taken back.
  payout numeric(38, 0) not null default 0 check (payout >= 0),
  -- How often a result was applied; part of the key of each settlement's journal.
  settlement_version integer not null default 0,
  -- Of a single bet: the version of its market's result that it was settled by.
  result_version integer not null default 0,
  -- How often a correction made a settled bet hang on open legs again; part of its workflow's id.
  reopened integer not null default 0,
  settled_at timestamptz,
  -- When a sweep last looked after the bet's workflow.
  swept_at timestamptz,
  check ((state = 'open') = (outcome is null)),
  check ((state = 'open') = (settled_at is null)),
  check ((state = 'cashed-out') = (outcome is not distinct from 'cashed-out')),
  check (kind = 'single' or followed)
);
create index bet_by_player on games.bet (player_id, placed_at desc, id desc);
create index bet_by_time on games.bet (placed_at desc, id desc);
create index bet_open_followed on games.bet (swept_at nulls first, placed_at) where state = 'open' and followed;

create function games.refuse_bet_step() returns trigger language plpgsql as $$
begin
  if (new.player_id, new.asset, new.kind, new.stake, new.potential_payout, new.stake_journal_id, new.placed_at)
    is distinct from (old.player_id, old.asset, old.kind, old.stake, old.potential_payout, old.stake_journal_id, old.placed_at) then
    raise exception 'what bet % is about is fixed', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.state = 'cashed-out' or new.settlement_version < old.settlement_version or new.result_version < old.result_version then
    raise exception 'bet % has ended or would go back', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if (new.payout, new.state) is distinct from (old.payout, old.state)
    and new.settlement_version = old.settlement_version and new.state <> 'cashed-out' then
    raise exception 'bet % moves by a settlement', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'open' and old.state = 'settled' and (new.payout <> 0 or new.reopened <> old.reopened + 1) then
    raise exception 'bet % is opened again without money', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'cashed-out' and old.state <> 'open' then
    raise exception 'bet % is not open', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger bet_states before update on games.bet for each row execute function games.refuse_bet_step();

create table games.bet_leg (
  bet_id uuid not null references games.bet,
  number smallint not null,
  -- The bet's: a market's bets are settled in the order of their players, whose wallets then are written once a page.
  player_id uuid not null,
  event_id text not null,
  market_id text not null,
  selection_id text not null,
  -- As accepted; decimal odds x 1000.
  odds bigint not null check (odds between 1001 and 10000000),
  primary key (bet_id, number),
  -- Legs of one event are related.
  unique (bet_id, event_id),
  foreign key (event_id, market_id, selection_id) references games.selection
);
create index bet_leg_by_market on games.bet_leg (event_id, market_id, player_id, bet_id);
call compliance.make_append_only('games.bet_leg');

create table games.cash_out_offer (
  id uuid primary key,
  bet_id uuid not null references games.bet,
  player_id uuid not null,
  value numeric(38, 0) not null check (value > 0),
  state text not null check (state in ('standing', 'taken', 'cancelled')),
  made_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'standing') = (ended_at is null))
);
create unique index cash_out_offer_one_standing on games.cash_out_offer (bet_id) where state = 'standing';
create index cash_out_offer_by_bet on games.cash_out_offer (bet_id, made_at);

create function games.refuse_offer_step() returns trigger language plpgsql as $$
begin
  if old.state <> 'standing' or (new.bet_id, new.value, new.expires_at) is distinct from (old.bet_id, old.value, old.expires_at) then
    raise exception 'offer % has ended or its terms are fixed', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger cash_out_offer_states before update on games.cash_out_offer
  for each row execute function games.refuse_offer_step();

-- The largest stake that is taken of one player, as an operator has set it. The last row counts.
create table games.book_player_limit (
  id uuid primary key,
  player_id uuid not null,
  asset text not null references wallet.asset,
  -- Null takes the limit away again.
  stake_max numeric(38, 0) check (stake_max > 0),
  set_by uuid not null,
  reason text not null,
  set_at timestamptz not null default clock_timestamp()
);
create index book_player_limit_last on games.book_player_limit (player_id, asset, set_at desc);
call compliance.make_append_only('games.book_player_limit');
