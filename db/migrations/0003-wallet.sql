-- The ledger. Amounts are integer units at the asset's ledger scale; a journal's entries sum to zero per asset.
create table wallet.asset (
  code text primary key,
  kind text not null check (kind in ('fiat', 'crypto')),
  network text,
  ledger_scale smallint not null check (ledger_scale between 0 and 18),
  payable_scale smallint not null check (payable_scale <= ledger_scale)
);

-- One wide row per player and asset: all that a bet must obey, fenced by `version`.
create table wallet.player_wallet (
  player_id uuid not null,
  asset text not null references wallet.asset,
  brand text not null,
  jurisdiction text not null,
  version bigint not null default 0,

  -- Signed sums of entries: what we owe is positive, what the player owes (receivable) is negative.
  cash numeric(38, 0) not null default 0 check (cash >= 0),
  cash_seq bigint not null default 0,
  cash_head bytea,
  bonus numeric(38, 0) not null default 0 check (bonus >= 0),
  bonus_seq bigint not null default 0,
  bonus_head bytea,
  held numeric(38, 0) not null default 0 check (held >= 0),
  held_seq bigint not null default 0,
  held_head bytea,
  receivable numeric(38, 0) not null default 0 check (receivable <= 0),
  receivable_seq bigint not null default 0,
  receivable_head bytea,

  -- Play brakes: self-exclusion, time-out or lock. 'infinity' has no end.
  play_blocked_until timestamptz,
  play_block_reason text,
  -- A game token issued before this instant is expired.
  sessions_valid_from timestamptz not null default '-infinity',

  -- [{"kind":"stake"|"loss","window":"day"|"week"|"month","amount":"units"}]
  play_limits jsonb not null default '[]',
  stake_day numeric(38, 0) not null default 0,
  stake_week numeric(38, 0) not null default 0,
  stake_month numeric(38, 0) not null default 0,
  loss_day numeric(38, 0) not null default 0,
  loss_week numeric(38, 0) not null default 0,
  loss_month numeric(38, 0) not null default 0,
  usage_at timestamptz not null default '-infinity',

  award_id uuid,
  award_wagering_left numeric(38, 0) check (award_wagering_left >= 0),
  award_bet_max numeric(38, 0),
  award_expires_at timestamptz,

  primary key (player_id, asset)
);

create table wallet.journal (
  id uuid primary key,
  integration text not null,
  external_id text not null,
  code text not null,
  asset text not null references wallet.asset,
  brand text not null,
  player_id uuid,
  -- Units that the caller asked to move; entries show where they went.
  amount numeric(38, 0) not null,
  occurred_at timestamptz not null,
  reverses uuid references wallet.journal,
  -- The journal that this one answers: the bet of a win.
  answers uuid,
  round_ref text,
  -- {noun}:{id} of the payment, award or session behind it
  subject text,
  fingerprint bytea not null,
  unique (integration, external_id)
);
create unique index journal_reversed_once on wallet.journal (reverses) where reverses is not null;
create index journal_by_player on wallet.journal (player_id, id);
create index journal_by_round on wallet.journal (integration, round_ref) where round_ref is not null;
create index journal_by_subject on wallet.journal (subject) where subject is not null;
call compliance.make_append_only('wallet.journal');

create table wallet.entry (
  journal_id uuid not null references wallet.journal,
  line smallint not null,
  asset text not null,
  -- Name in the chart of accounts; a player's pools are 'cash', 'bonus', 'held', 'receivable' with `player_id` set.
  account text not null,
  player_id uuid,
  amount numeric(38, 0) not null check (amount <> 0),
  -- Only a player's accounts are chained; the house side is never a hot row.
  seq bigint,
  balance_after numeric(38, 0),
  hash bytea,
  primary key (journal_id, line),
  check ((player_id is null) = (seq is null)),
  check ((seq is null) = (hash is null)),
  check ((seq is null) = (balance_after is null))
);
create unique index entry_chain on wallet.entry (player_id, asset, account, seq) where player_id is not null;
create index entry_by_account on wallet.entry (account, asset, journal_id) where player_id is null;
call compliance.make_append_only('wallet.entry');

-- The second half of a paired assertion: the reducer checks balance before the write, the database at the write.
create function wallet.refuse_unbalanced() returns trigger language plpgsql as $$
begin
  if exists (select 1 from written group by journal_id, asset having sum(amount) <> 0) then
    raise exception 'an unbalanced journal was refused' using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
create trigger balanced after insert on wallet.entry referencing new table as written
  for each statement execute function wallet.refuse_unbalanced();

create view wallet.trial_balance as
  select asset,
         case when player_id is null then account else 'player:' || account end as account,
         sum(amount) as balance,
         count(*) as entries
  from wallet.entry
  group by 1, 2;
