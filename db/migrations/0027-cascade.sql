-- What a cascade leaves behind: which attempt a deposit was credited from, and what becomes of a second charge.

-- Two attempts may be at one PSP (a step-up), so the PSP's name does not tell them apart. Null on rows of before.
alter table payments.deposit add column captured_attempt smallint;

-- The highest version is in force. Without a row a second charge is left to a person.
create table payments.second_charge_policy (
  brand text not null,
  jurisdiction text not null,
  version integer not null check (version > 0),
  action text not null check (action in ('refund', 'person')),
  published_at timestamptz not null default now(),
  primary key (brand, jurisdiction, version)
);
call compliance.make_append_only('payments.second_charge_policy');

-- The attempt whose charge is given back, where it is not the one that the deposit was credited from. Nobody asks for
-- such a refund: the policy does.
alter table payments.refund add column second_charge smallint;
alter table payments.refund alter column requested_by drop not null;
alter table payments.refund add constraint refund_asked_by
  check ((requested_by is null) = (second_charge is not null));
-- Once for ever, also after a refusal: what happens then is a person's word.
create unique index refund_second_charge on payments.refund (deposit_id, second_charge) where second_charge is not null;

create trigger refund_second_charge_stays before update on payments.refund for each row execute function
  payments.refuse_other_content('second_charge');

create or replace function payments.check_refund() returns trigger language plpgsql as $$
declare
  target payments.deposit;
begin
  select * into target from payments.deposit where id = new.deposit_id for update;
  if target.state <> 'captured' or (target.player_id, target.brand, target.asset)
      is distinct from (new.player_id, new.brand, new.asset) then
    raise exception 'refund % does not fit its deposit', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.second_charge is not null then
    if new.second_charge = target.captured_attempt or not exists (select from payments.attempt a
        where a.deposit_id = new.deposit_id and a.number = new.second_charge and a.psp = new.psp
          and a.state in ('approved', 'late_approved') and a.processed_asset = new.asset
          and a.processed_amount = new.amount) then
      raise exception 'refund % fits no second charge', new.id using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  if target.captured_psp is distinct from new.psp then
    raise exception 'refund % does not fit its deposit', new.id using errcode = 'integrity_constraint_violation';
  end if;
  if target.amount < new.amount + (select coalesce(sum(amount), 0) from payments.refund
      where deposit_id = new.deposit_id and second_charge is null and state not in ('refused', 'returned')) then
    raise exception 'more would go back than deposit % brought', new.deposit_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;

-- Files of settlement name movements by the PSP's word for them.
create index attempt_by_psp_reference on payments.attempt (psp, psp_reference) where psp_reference is not null;
create index refund_by_psp_reference on payments.refund (psp, psp_reference) where psp_reference is not null;
create index payout_by_psp_reference on payments.payout_attempt (psp, psp_reference) where psp_reference is not null;
-- Health is counted over the newest attempts.
create index if not exists attempt_by_start on payments.attempt (started_at desc);
