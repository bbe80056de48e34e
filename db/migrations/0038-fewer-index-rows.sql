-- What a bet pays for in its indexes: a round's journals are always asked for with their player, whose own index finds
-- them, too.
create index journal_by_player_and_round on wallet.journal (player_id, round_ref);
drop index wallet.journal_by_player;
drop index wallet.journal_by_round;

-- One look per journal instead of one per entry.
create or replace function wallet.refuse_unbalanced() returns trigger language plpgsql as $$
begin
  if exists (select 1 from written group by journal_id, asset having sum(amount) <> 0) then
    raise exception 'an unbalanced journal was refused' using errcode = 'integrity_constraint_violation';
  end if;
  if exists (
    select 1 from (select distinct journal_id from written) w
    where not exists (select 1 from wallet.journal j where j.id = w.journal_id)
  ) then
    raise exception 'an entry without its journal was refused' using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$$;
