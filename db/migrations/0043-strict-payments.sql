-- A payout that we queue by ourselves, at the bank or on a chain, and the end of its attempt exclude each other: whichever
-- commits first decides. The withdrawal is locked before the attempt, as everywhere.
create function payments.check_payout_open() returns trigger language plpgsql as $$
declare
  attempt payments.payout_attempt;
begin
  perform 1 from payments.withdrawal w join payments.payout_attempt p on p.withdrawal_id = w.id
    where p.reference = new.reference for share of w;
  select * into attempt from payments.payout_attempt where reference = new.reference for share;
  -- Asked again, it is the row that is there, whatever has become of its attempt.
  if tg_table_name = 'bank_transfer' and exists (select 1 from payments.bank_transfer where reference = new.reference)
     or tg_table_name = 'chain_transfer' and exists (select 1 from payments.chain_transfer where reference = new.reference) then
    return new;
  end if;
  if attempt.sent_at is null or attempt.state not in ('started', 'pending', 'unknown') then
    raise exception 'payout % cannot be queued: its attempt is %', new.reference, coalesce(attempt.state, 'not there')
      using errcode = 'integrity_constraint_violation', constraint = 'payout_open_when_queued';
  end if;
  return new;
end
$$;
create trigger bank_transfer_of_open_payout before insert on payments.bank_transfer
  for each row execute function payments.check_payout_open();
create trigger chain_transfer_of_open_payout before insert on payments.chain_transfer
  for each row when (new.purpose = 'payout') execute function payments.check_payout_open();

-- What is queued was sent, whatever a question had found a moment before.
create function payments.check_payout_unqueued() returns trigger language plpgsql as $$
begin
  if exists (select 1 from payments.bank_transfer where reference = new.reference)
     or exists (select 1 from payments.chain_transfer where reference = new.reference) then
    raise exception 'payout % is queued', new.reference
      using errcode = 'integrity_constraint_violation', constraint = 'payout_unqueued_when_not_sent';
  end if;
  return new;
end
$$;
create trigger payout_attempt_unqueued before update on payments.payout_attempt
  for each row when (new.state = 'not_sent' and old.state <> 'not_sent') execute function payments.check_payout_unqueued();

-- Whose the money is by the PSP's word, in our own id; null where it does not tell. Another one than the deposit's is
-- parked as a wrong amount is.
alter table payments.attempt add column processed_player text check (length(processed_player) <= 100);
