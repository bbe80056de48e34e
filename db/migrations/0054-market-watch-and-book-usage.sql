-- What limits have counted of a sports bet ends as if its last result had been its first: corrections belong to the moment of
-- the first settlement. Of bets that were corrected before, only the last settlement's moment is known.
alter table games.bet add column first_settled_at timestamptz;
update games.bet set first_settled_at = settled_at where state = 'settled';
alter table games.bet add check (first_settled_at is null or state = 'settled');
