-- Money of a withdrawal goes back to a wallet through the charges that it paid in by: an account at the wallet becomes an
-- instrument, a leg names its charge, and a charge never gives back more than it brought, whoever asks for it.

do $$
declare
  before text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict before
    from pg_constraint where conrelid = 'payments.instrument'::regclass and conname = 'instrument_kind_check';
  alter table payments.instrument drop constraint instrument_kind_check;
  execute format('alter table payments.instrument add constraint instrument_kind_check check ((%s) or kind = %L)',
    before, 'e-wallet');
end
$$;

-- Deposits of older builds kept nothing of their wallet: each is its own instrument, since nobody knows its account.
insert into payments.instrument (id, player_id, psp, kind, token)
select gen_random_uuid(), d.player_id, d.captured_psp, 'e-wallet', a.token || ':deposit:' || d.id
from payments.deposit d join payments.attempt a on a.deposit_id = d.id
  and a.number = coalesce(d.captured_attempt, (select min(o.number) from payments.attempt o
    where o.deposit_id = d.id and o.psp = d.captured_psp and o.state in ('approved', 'late_approved')))
where d.method = 'e-wallet' and d.state = 'captured' and d.instrument_id is null;
update payments.deposit d set instrument_id = i.id
from payments.instrument i
where d.method = 'e-wallet' and d.state = 'captured' and d.instrument_id is null
  and i.player_id = d.player_id and i.psp = d.captured_psp and i.token like '%:deposit:' || d.id;

-- Whether an account pays for several players is asked with every plan.
create index instrument_of_wallet on payments.instrument (token) where kind = 'e-wallet';

-- The deposit whose charge is the way of this leg; null for an instrument that is paid by itself.
alter table payments.withdrawal_leg add column deposit_id uuid references payments.deposit;
create index withdrawal_leg_by_deposit on payments.withdrawal_leg (deposit_id) where deposit_id is not null;
drop trigger withdrawal_leg_content on payments.withdrawal_leg;
create trigger withdrawal_leg_content before update or delete on payments.withdrawal_leg for each row execute function
  payments.refuse_other_content('withdrawal_id leg instrument_id deposit_id amount fee replaces');

-- What of a charge is spoken for: refunds that are asked for or done, legs that are planned or paid, chargebacks not won.
create function payments.gone_back(deposit uuid) returns numeric language sql stable as $$
  select (select coalesce(sum(r.amount), 0) from payments.refund r
      where r.deposit_id = deposit and r.second_charge is null and r.state not in ('refused', 'returned'))
    + (select coalesce(sum(l.amount - l.fee), 0) from payments.withdrawal_leg l
      where l.deposit_id = deposit and l.state in ('planned', 'paid'))
    + (select coalesce(sum(o.amount), 0) from wallet.journal c join wallet.journal o on o.answers = c.id
      where c.integration = 'pitboss' and c.external_id = 'deposit:' || deposit || ':capture' and o.code = 'chargeback.open'
        and not exists (select from wallet.journal w where w.reverses = o.id))
$$;

create function payments.check_wallet_leg() returns trigger language plpgsql as $$
declare
  target payments.withdrawal;
  charge payments.deposit;
  is_wallet boolean;
begin
  select kind = 'e-wallet' into is_wallet from payments.instrument where id = new.instrument_id;
  if is_wallet <> (new.deposit_id is not null) then
    raise exception 'leg % of withdrawal % does not say by which charge its wallet is paid', new.leg, new.withdrawal_id
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.deposit_id is null then
    return new;
  end if;
  select * into target from payments.withdrawal where id = new.withdrawal_id;
  select * into charge from payments.deposit where id = new.deposit_id for update;
  if charge.state <> 'captured' or charge.method <> 'e-wallet' or charge.instrument_id is distinct from new.instrument_id
     or (charge.player_id, charge.asset) is distinct from (target.player_id, target.asset) then
    raise exception 'leg % of withdrawal % does not fit deposit %', new.leg, new.withdrawal_id, new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  if coalesce(charge.captured_amount, charge.amount) < payments.gone_back(new.deposit_id) + new.amount - new.fee then
    raise exception 'more would go back than deposit % brought', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger wallet_leg_checked before insert on payments.withdrawal_leg
  for each row execute function payments.check_wallet_leg();

-- A refund beside such legs. Its own trigger holds it against other refunds.
create function payments.check_refund_beside_legs() returns trigger language plpgsql as $$
declare
  charge payments.deposit;
begin
  select * into charge from payments.deposit where id = new.deposit_id for update;
  if charge.method = 'e-wallet' and new.second_charge is null
     and coalesce(charge.captured_amount, charge.amount) < payments.gone_back(new.deposit_id) + new.amount then
    raise exception 'more would go back than deposit % brought', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger refund_beside_legs before insert on payments.refund
  for each row execute function payments.check_refund_beside_legs();
