-- What a game call can carry beside its money: the id of the call, what it says about itself, jackpots, free rounds, caps.

-- The id of the network call that made a journal, where the dialect has one: a repeated call is not processed again,
-- whatever transaction it names. The uuid comes first, since it is what tells two entries of the index apart.
alter table wallet.journal add column call_id uuid;
create unique index journal_call_once on wallet.journal (call_id, integration) where call_id is not null;

-- Jackpot parts, free-round facts, wagering progress and the provider's own words (see domain/wallet/journal-details.ts).
-- Null for a plain bet: nothing is written that nobody will read.
alter table wallet.journal add column details jsonb;

-- Largest single stake of this player; null for none. Fenced by the row's version like every other brake.
alter table wallet.player_wallet add column stake_max numeric(38, 0) check (stake_max >= 0);

-- Largest single stake of a game, for everybody ('*') or for players of one jurisdiction.
create table games.stake_cap (
  integration text not null,
  game_code text not null,
  asset text not null references wallet.asset,
  jurisdiction text not null default '*',
  amount numeric(38, 0) not null check (amount > 0),
  primary key (integration, game_code, asset, jurisdiction),
  foreign key (integration, game_code) references games.game (integration, code)
);

-- A game that feeds a pool of ours: the share of real-money stakes that goes to `jackpot:{pool}` with the bet.
alter table games.game
  add column jackpot_pool text check (jackpot_pool ~ '^[a-z0-9-]{1,40}$'),
  add column jackpot_contribution_bps integer not null default 0 check (jackpot_contribution_bps between 0 and 2000),
  add check (jackpot_pool is not null or jackpot_contribution_bps = 0);

-- A pool's balance up to a journal, so that reading it does not sum its whole life. Journal ids are ordered by time.
create table wallet.jackpot_rollup (
  pool text not null,
  asset text not null references wallet.asset,
  balance numeric(38, 0) not null,
  entries bigint not null,
  through_journal_id uuid not null,
  rolled_up_at timestamptz not null default now(),
  primary key (pool, asset)
);

-- What becomes of the winnings of issued free rounds: null wagering pays them as real money, else they are bonus
-- money that must be staked so many times.
alter table games.free_round_issue
  add column wagering_times integer check (wagering_times between 1 and 100),
  add column bet_max numeric(38, 0) check (bet_max > 0),
  add column award_days integer not null default 30 check (award_days between 1 and 90);

-- An award that free rounds open has no operator behind it.
alter table bonus.award alter column granted_by drop not null;
