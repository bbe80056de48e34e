-- Whether a journal is there is looked up for each journal. As a condition of its own, PostgreSQL that knew the table small
-- read the whole of it into memory at every write, for as long as it kept that plan: ten times the price of a bet after
-- a minute of play in a new ledger.
create or replace function wallet.refuse_unbalanced() returns trigger language plpgsql as $$
begin
  if exists (
    select 1
    from (select w.journal_id, sum(w.amount) as total from written w group by w.journal_id, w.asset) moved
    left join lateral (select j.id from wallet.journal j where j.id = moved.journal_id limit 1) known on true
    where moved.total <> 0 or known.id is null
  ) then
    if exists (select 1 from written group by journal_id, asset having sum(amount) <> 0) then
      raise exception 'an unbalanced journal was refused' using errcode = 'integrity_constraint_violation';
    end if;
    raise exception 'an entry without its journal was refused' using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$$;
