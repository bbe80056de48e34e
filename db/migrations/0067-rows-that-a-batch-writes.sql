-- What one statement writes arrives as an array of rows for each table. An array for each column, as before, costs the
-- server a function, a store and a look into the catalogue for each of them.
create type wallet.written_wallet as (
  player_id uuid, asset text, expected bigint,
  cash numeric, cash_seq bigint, cash_head bytea,
  bonus numeric, bonus_seq bigint, bonus_head bytea,
  held numeric, held_seq bigint, held_head bytea,
  receivable numeric, receivable_seq bigint, receivable_head bytea,
  stake_day numeric, stake_week numeric, stake_month numeric,
  loss_day numeric, loss_week numeric, loss_month numeric,
  usage_at timestamptz,
  award_id uuid, award_wagering_left numeric, award_bet_max numeric, award_expires_at timestamptz
);

-- The owner of a row is its batch: the place of the wallet in the array of wallets, counted from one.
create type wallet.written_journal as (
  owner integer, id uuid, integration text, external_id text, code text, asset text, brand text, player_id uuid,
  amount numeric, reverses uuid, answers uuid, round_ref text, subject text, fingerprint bytea, call_id uuid, details jsonb
);

create type wallet.written_entry as (
  owner integer, journal_id uuid, line smallint, asset text, account text, player_id uuid,
  amount numeric, seq bigint, balance_after numeric, hash bytea
);

create type wallet.written_round as (
  owner integer, integration text, round_ref text, player_id uuid, asset text, game text,
  staked numeric, won numeric, closes boolean, opens boolean, guard_ms integer
);

create type wallet.written_fact as (
  owner integer, event_id uuid, type text, brand text, player_id uuid
);

-- One pass over what was written, where there were two; which of them failed is asked only when one did.
create or replace function wallet.refuse_unbalanced() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from written w group by w.journal_id, w.asset
    having sum(w.amount) <> 0 or not exists (select 1 from wallet.journal j where j.id = w.journal_id)
  ) then
    if exists (select 1 from written group by journal_id, asset having sum(amount) <> 0) then
      raise exception 'an unbalanced journal was refused' using errcode = 'integrity_constraint_violation';
    end if;
    raise exception 'an entry without its journal was refused' using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$$;
