-- A payout that came back before its end was recorded was not paid, whatever a question had found a moment before: money of
-- a return is given to the player by its journal only where the payout was booked as paid.
create function payments.check_payout_not_returned() returns trigger language plpgsql as $$
begin
  if exists (select 1 from payments.bank_transfer where reference = new.reference and state = 'returned') then
    raise exception 'payout % came back', new.reference
      using errcode = 'integrity_constraint_violation', constraint = 'payout_not_returned_when_paid';
  end if;
  return new;
end
$$;
create trigger payout_attempt_not_returned before update on payments.payout_attempt
  for each row when (new.state in ('paid', 'late_paid') and old.state not in ('paid', 'late_paid'))
  execute function payments.check_payout_not_returned();

-- Each delivery of a report by the number in the bank's list: a report that comes twice is one report and two deliveries,
-- and the next question begins behind both.
create table payments.bank_delivery (
  bank_number bigint primary key,
  sha256 text not null references payments.bank_report,
  delivered_at timestamptz not null default now()
);
call compliance.make_append_only('payments.bank_delivery');
insert into payments.bank_delivery (bank_number, sha256, delivered_at)
  select bank_number, sha256, imported_at from payments.bank_report on conflict do nothing;
