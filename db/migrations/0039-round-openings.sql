-- A round that was over and takes another stake is open again: guarded again, and asked about by a workflow of its own.

-- How often a stake has opened the round; 0 while none has left it open. It is part of the workflow's id from the second
-- opening on, because an id is used once.
alter table games.round add column openings integer not null default 1;

-- Stakes that were taken in void rounds before this was so: they stand, and nobody has asked about them.
update games.round
  set state = 'open', openings = 2, guard_at = now(), guarded_at = null, closed_at = null, version = version + 1
  where state = 'void' and staked > 0;
