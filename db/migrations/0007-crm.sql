-- Messages to players. No address and no text is stored: both are made at sending from the sealed personal data.
create table crm.message (
  id uuid primary key,
  player_id uuid not null references pam.player,
  brand text not null,
  template text not null,
  channel text not null check (channel in ('email')),
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  queued_at timestamptz not null default now(),
  sent_at timestamptz,
  failed_at timestamptz,
  -- The mail server's words, without address.
  failure text,
  check ((state = 'sent') = (sent_at is not null)),
  check ((state = 'failed') = (failed_at is not null))
);
create index message_by_player on crm.message (player_id, queued_at);
create index message_by_time on crm.message (queued_at, id);

create function crm.refuse_message_change() returns trigger language plpgsql as $$
begin
  if new.state <> old.state and old.state = 'sent' then
    raise exception 'message % was sent already', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger message_states before update on crm.message
  for each row execute function crm.refuse_message_change();
