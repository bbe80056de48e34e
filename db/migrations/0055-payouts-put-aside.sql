-- A payout that cannot be written into a file (its player's key is destroyed, a name without a letter) waits for a person
-- beside the queue, and the others go. A file that cannot be made again before it was sent is given up, and its payouts
-- are queued once more: nothing of it has left.
alter table payments.bank_transfer drop constraint bank_transfer_state_check;
alter table payments.bank_transfer add constraint bank_transfer_state_check check
  (state in ('queued', 'set-aside', 'batched', 'accepted', 'rejected', 'booked', 'returned'));
alter table payments.bank_transfer drop constraint bank_transfer_check;
-- What a person gave up was in no file.
alter table payments.bank_transfer add constraint bank_transfer_in_file check (case
  when state in ('queued', 'set-aside') then batch_id is null
  when state = 'rejected' then true
  else batch_id is not null end);
drop trigger bank_transfer_states on payments.bank_transfer;
create trigger bank_transfer_states before update on payments.bank_transfer for each row execute function payments.guard_state(
  'queued>set-aside set-aside>rejected queued>batched batched>queued batched>accepted batched>rejected batched>booked accepted>booked accepted>rejected booked>returned');

-- Back in the queue goes only what is in a file that was sealed and never claimed by a call that may have sent it.
create function payments.check_file_given_up() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from payments.payout_batch where id = old.batch_id and state = 'refused' and claimed_at is null) then
    raise exception 'payout % may have left with its file', new.reference using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger bank_transfer_of_given_up_file before update on payments.bank_transfer
  for each row when (old.state = 'batched' and new.state = 'queued') execute function payments.check_file_given_up();

do $$
declare
  before text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict before
    from pg_constraint where conrelid = 'payments.work_item'::regclass and conname = 'work_item_kind_check';
  alter table payments.work_item drop constraint work_item_kind_check;
  execute format('alter table payments.work_item add constraint work_item_kind_check
    check ((%s) or kind = ''unwritable-payout'')', before);
end
$$;
