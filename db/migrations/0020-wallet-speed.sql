-- What a bet pays for in PostgreSQL, without what it pays for twice.

-- One look per statement instead of one per entry; the same promise, kept by the trigger that is there already.
alter table wallet.entry drop constraint entry_journal_id_fkey;
create or replace function wallet.refuse_unbalanced() returns trigger language plpgsql as $$
begin
  if exists (select 1 from written group by journal_id, asset having sum(amount) <> 0) then
    raise exception 'an unbalanced journal was refused' using errcode = 'integrity_constraint_violation';
  end if;
  if exists (select 1 from written w where not exists (select 1 from wallet.journal j where j.id = w.journal_id)) then
    raise exception 'an entry without its journal was refused' using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$$;

-- Every bet locked the one row of its asset. A journal is written through a wallet, whose asset is known to exist.
alter table wallet.journal drop constraint journal_asset_fkey;

-- The cursor's order is the table's own; nobody reads the outbox by player or by id alone.
alter table compliance.outbox drop constraint outbox_pkey;
drop index compliance.outbox_cursor;
alter table compliance.outbox add primary key (xid, id);
drop index compliance.outbox_by_player;
