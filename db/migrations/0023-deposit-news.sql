-- Whoever waits for a deposit hears of what its player should know the moment it is committed.
create function payments.tell_deposit() returns trigger language plpgsql as $$
begin
  perform pg_notify('payments_deposit', new.id::text);
  return null;
end
$$;
create trigger deposit_news after update of state on payments.deposit for each row
  when (new.state <> old.state and new.state in ('awaiting-action', 'captured', 'failed', 'parked'))
  execute function payments.tell_deposit();
