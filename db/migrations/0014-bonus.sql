-- Awards: the row is the truth, its workflow is the clock. The live one is mirrored on the player's wallet row.
create table bonus.award (
  id uuid primary key,
  player_id uuid not null references pam.player,
  brand text not null,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  wagering numeric(38, 0) not null check (wagering >= 0),
  bet_max numeric(38, 0) check (bet_max > 0),
  state text not null check (state in ('active', 'converted', 'forfeited')),
  reason text not null,
  granted_by uuid not null,
  fingerprint bytea not null,
  granted_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'active') = (ended_at is null))
);
create unique index award_one_active on bonus.award (player_id, asset) where state = 'active';
create index award_by_player on bonus.award (player_id, granted_at);

create function bonus.refuse_award_change() returns trigger language plpgsql as $$
begin
  if old.state <> 'active' or new.id <> old.id or new.amount <> old.amount or new.wagering <> old.wagering then
    raise exception 'award % has ended or its terms are fixed', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger award_states before update on bonus.award for each row execute function bonus.refuse_award_change();
