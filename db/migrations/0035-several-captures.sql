-- Several captures of one authorisation: what is held is a row of its own that captures draw on, one after the other,
-- and the ledger's cap on money that goes back looks at all of them. Amounts are units at ledger scale.

-- 'in-parts': only authorised, and the PSP is asked to let it be captured more than once.
alter table payments.psp_route drop constraint psp_route_capture_mode_check;
alter table payments.psp_route add constraint psp_route_capture_mode_check
  check (capture_mode in ('automatic', 'manual', 'in-parts'));
alter table payments.deposit drop constraint deposit_capture_mode_check;
alter table payments.deposit add constraint deposit_capture_mode_check
  check (capture_mode in ('automatic', 'manual', 'in-parts'));

-- What the PSP said with the authorisation; null where it was not asked.
alter table payments.attempt add column several_captures boolean;

create table payments.authorisation (
  deposit_id uuid primary key references payments.deposit,
  attempt smallint not null,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  -- Of this, by captures that are done; the capture or void that is under way has claimed its amount besides.
  captured numeric(38, 0) not null default 0 check (captured >= 0),
  claimed numeric(38, 0) not null default 0 check (claimed >= 0),
  -- Brand and PSP both take more than one capture.
  several boolean not null,
  -- 'closing': nothing more is taken, and the PSP has yet to let go of the rest.
  state text not null default 'open' check (state in ('open', 'closing', 'closed')),
  -- 'elsewhere': the charge was seen as taken without a capture of ours.
  ended_by text check (ended_by in ('captured', 'final-capture', 'void', 'expiry', 'elsewhere')),
  held_at timestamptz not null default now(),
  closed_at timestamptz,
  foreign key (deposit_id, attempt) references payments.attempt (deposit_id, number),
  -- The cap: whoever writes, and however many at once.
  constraint never_beyond_the_authorisation check (captured + claimed <= amount),
  check ((state = 'open') = (ended_by is null)),
  check ((state = 'closed') = (closed_at is not null))
);
create index authorisation_open on payments.authorisation (held_at) where state <> 'closed';
create trigger authorisation_states before update on payments.authorisation for each row execute function
  payments.guard_state('open>closing open>closed closing>closed');
create trigger authorisation_content before update or delete on payments.authorisation for each row execute function
  payments.refuse_other_content('deposit_id attempt asset amount several held_at');

alter table payments.modification
  -- Nothing can be captured after it; a void always is.
  add column is_final boolean not null default true,
  -- The journal that credited it; null for what was captured before there was more than one.
  add column journal_id uuid unique references wallet.journal,
  add constraint modification_void_final check (is_final or kind = 'capture'),
  add constraint modification_booked check (is_final or kind <> 'capture' or state <> 'done' or journal_id is not null);
create trigger modification_terms before update on payments.modification for each row execute function
  payments.refuse_other_content('is_final');
create index modification_by_charge on payments.modification (psp, charge_reference);

-- One that ends the authorisation, for ever; and one at a time, so that nothing is captured beside an unknown outcome.
drop index payments.modification_open_or_done;
create unique index modification_open_or_done on payments.modification (deposit_id) where is_final and state <> 'refused';
create unique index modification_one_at_a_time on payments.modification (deposit_id) where state not in ('refused', 'done');

-- What is held now is held on; captures and voids under way have claimed their amount.
insert into payments.authorisation (deposit_id, attempt, asset, amount, claimed, several, held_at)
select d.id, a.number, d.asset, coalesce(a.processed_amount, d.amount),
  coalesce((select m.amount from payments.modification m where m.deposit_id = d.id and m.state not in ('refused', 'done')), 0),
  false, coalesce(a.resolved_at, now())
from payments.deposit d join payments.attempt a on a.deposit_id = d.id and a.state = 'authorised'
where d.state = 'authorised';

create or replace function payments.check_modification() returns trigger language plpgsql as $$
declare
  target payments.deposit;
  tried payments.attempt;
  held payments.authorisation;
begin
  select * into target from payments.deposit where id = new.deposit_id for update;
  select * into tried from payments.attempt where deposit_id = new.deposit_id and number = new.attempt;
  select * into held from payments.authorisation where deposit_id = new.deposit_id;
  if held.state is distinct from 'open' or target.state not in ('authorised', 'captured')
      or (target.player_id, target.brand, held.asset, held.attempt, tried.psp, tried.psp_reference)
        is distinct from (new.player_id, new.brand, new.asset, new.attempt, new.psp, new.charge_reference) then
    raise exception 'modification % does not fit its authorisation', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if not new.is_final and not held.several then
    raise exception 'deposit % cannot be captured in parts', new.deposit_id using errcode = 'integrity_constraint_violation';
  end if;
  if new.amount > held.amount - held.captured then
    raise exception 'more would be captured than deposit % has authorised', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;

-- The claim is the database's own work, so that no writer forgets it.
create function payments.claim_authorisation() returns trigger language plpgsql as $$
declare
  -- What the row counted for before and counts for now; a refusal that did not hold counts again.
  was_claimed numeric(38, 0) := 0;
  was_captured numeric(38, 0) := 0;
  is_claimed numeric(38, 0) := case when new.state in ('refused', 'done') then 0 else new.amount end;
  is_captured numeric(38, 0) := case when new.state = 'done' and new.kind = 'capture' then new.amount else 0 end;
begin
  if tg_op = 'UPDATE' then
    was_claimed := case when old.state in ('refused', 'done') then 0 else old.amount end;
    was_captured := case when old.state = 'done' and old.kind = 'capture' then old.amount else 0 end;
  end if;
  if (was_claimed, was_captured) <> (is_claimed, is_captured) then
    update payments.authorisation
    set claimed = claimed + is_claimed - was_claimed, captured = captured + is_captured - was_captured
    where deposit_id = new.deposit_id;
  end if;
  return null;
end
$$;
create trigger modification_claimed after insert or update of state on payments.modification
  for each row execute function payments.claim_authorisation();

-- The second half of a paired assertion, at commit: what was captured is what its captures say and what its deposit says.
create function payments.check_captured() returns trigger language plpgsql as $$
declare
  held payments.authorisation;
  target payments.deposit;
begin
  select * into held from payments.authorisation where deposit_id = new.deposit_id;
  select * into target from payments.deposit where id = new.deposit_id;
  if held.captured <> (select coalesce(sum(amount), 0) from payments.modification
        where deposit_id = new.deposit_id and kind = 'capture' and state = 'done')
      or held.captured > 0 and held.ended_by is distinct from 'elsewhere'
        and (target.captured_attempt = held.attempt) and target.captured_amount is distinct from held.captured then
    raise exception 'authorisation % does not say what its captures say', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
create constraint trigger authorisation_agrees after insert or update on payments.authorisation
  deferrable initially deferred for each row execute function payments.check_captured();

-- What a deposit has brought never shrinks: what goes back are refunds and chargebacks.
create function payments.refuse_shrinking_capture() returns trigger language plpgsql as $$
begin
  if new.captured_amount is null or new.captured_amount < old.captured_amount then
    raise exception 'what deposit % has brought cannot shrink', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger deposit_captured_grows before update of captured_amount on payments.deposit for each row
  when (old.captured_amount is not null) execute function payments.refuse_shrinking_capture();

-- A further capture answers the first one of its deposit. Partial, so that a bet pays nothing for it.
create index journal_further_captures on wallet.journal (answers) where code = 'deposit.capture';

create function wallet.check_further_capture() returns trigger language plpgsql as $$
begin
  if not exists (select from wallet.journal f where f.id = new.answers and f.code = 'deposit.capture'
      and f.answers is null and f.player_id = new.player_id and f.asset = new.asset) then
    raise exception 'journal % is no further capture of its deposit', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
create trigger further_capture_fits after insert on wallet.journal
  for each row when (new.code = 'deposit.capture' and new.answers is not null)
  execute function wallet.check_further_capture();

-- As before, with all that the deposit has brought.
create or replace function wallet.refuse_excess_clawback() returns trigger language plpgsql as $$
declare
  brought numeric(38, 0);
begin
  select amount + (select coalesce(sum(f.amount), 0) from wallet.journal f
      where f.answers = new.answers and f.code = 'deposit.capture') into brought
  from wallet.journal
  where id = new.answers and code = 'deposit.capture' and player_id = new.player_id and asset = new.asset;
  if brought is null or brought < (
    select sum(c.amount) from wallet.journal c
    where c.answers = new.answers and c.code in ('deposit.refund', 'chargeback.open')
      and not exists (select 1 from wallet.journal w where w.reverses = c.id)
  ) then
    raise exception 'more would go back than the deposit brought' using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
