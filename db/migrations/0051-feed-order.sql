-- What order the feed's messages have among themselves, and turns for those that wait.

-- The last whole picture of the market. The sequence beside it also counts changes of its state alone.
alter table games.market add column picture_sequence bigint not null default 0;
update games.market set picture_sequence = sequence;

-- Not in the latest picture of its market. One that is merely not active may be offered again any moment.
alter table games.selection add column withdrawn boolean not null default false;

-- When the sweep last tried an open message: those that wait stand behind those that were never tried.
alter table compliance.webhook_inbox add column tried_at timestamptz;
create index webhook_inbox_turns on compliance.webhook_inbox (source, tried_at nulls first, received_at, id) where processed_at is null;
