-- What limits have counted of a sports bet ends as if its last result had been its first: corrections belong to the moment of
-- the first settlement. Of bets that were corrected before, only the last settlement's moment is known.
alter table games.bet add column first_settled_at timestamptz;
update games.bet set first_settled_at = settled_at where state = 'settled';
alter table games.bet add check (first_settled_at is null or state = 'settled');

-- A market whose result never comes: due some time after its event's end, which the feed tells by a state without a time.
alter table games.sport_event add column ended_at timestamptz;
update games.sport_event set ended_at = now() where state in ('ended', 'cancelled');
create function games.note_event_end() returns trigger language plpgsql as $$
begin
  if new.state not in ('ended', 'cancelled') then
    new.ended_at := null;
  elsif new.ended_at is null then
    new.ended_at := now();
  end if;
  return new;
end
$$;
create trigger event_end_noted before insert or update of state on games.sport_event
  for each row execute function games.note_event_end();
create index market_without_result on games.market (event_id, id) where state <> 'resulted';

-- Free rounds that a provider has been given are asked back when their player may not play any more: when that was asked last.
alter table games.free_round_issue add column asked_back_at timestamptz;
create index free_round_issue_given on games.free_round_issue (player_id) where state in ('requested', 'issued');
