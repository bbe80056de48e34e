-- Every end of a withdrawal ends what limits count of it. One that was paid in part counts that part; one that was
-- forfeited paid the player nothing.

create function payments.settle_withdrawal_use() returns trigger language plpgsql as $$
declare
  paid numeric;
begin
  select coalesce(sum(amount), 0) into paid from payments.withdrawal_leg
  where withdrawal_id = new.id and state in ('paid', 'returned');
  update payments.payment_use set
    state = case when new.state in ('paid', 'partly-paid') then 'approved' else 'void' end,
    amount = case when new.state = 'partly-paid' and paid > 0 then paid else amount end
  where payment = 'withdrawal:' || new.id;
  return new;
end
$$;
drop trigger withdrawal_uses on payments.withdrawal;
create trigger withdrawal_uses after update of state on payments.withdrawal for each row
  when (new.state <> old.state and new.state in ('paid', 'partly-paid', 'refused', 'cancelled', 'forfeited'))
  execute function payments.settle_withdrawal_use();

-- Those that ended so before.
update payments.payment_use u set
  state = case w.state when 'forfeited' then 'void' else 'approved' end,
  amount = case w.state when 'forfeited' then u.amount else coalesce(nullif((select sum(l.amount)
    from payments.withdrawal_leg l where l.withdrawal_id = w.id and l.state in ('paid', 'returned')), 0), u.amount) end
from payments.withdrawal w
where u.payment = 'withdrawal:' || w.id and u.state = 'open' and w.state in ('partly-paid', 'forfeited');
