-- What became of a settlement file. One that cannot be read is a person's, and its day is fetched again until a file of it
-- was reconciled. What came stays as it came.
drop trigger append_only_rows on payments.settlement_file;
alter table payments.settlement_file
  add column state text not null default 'stored' check (state in ('stored', 'unreadable', 'reconciled')),
  -- Why it cannot be read.
  add column reason text check (length(reason) between 1 and 500),
  add constraint settlement_file_reason check ((state = 'unreadable') = (reason is not null));
-- A file that held no line cannot be told from one that was never matched: matching it again changes nothing.
update payments.settlement_file f set state = 'reconciled'
  where exists (select from payments.settlement_line l where l.file_id = f.id);

create trigger settlement_file_states before update on payments.settlement_file for each row execute function
  payments.guard_state('stored>unreadable stored>reconciled unreadable>reconciled');
-- By the columns that are named, not by what they hold: a content of many megabytes is not compared for this.
create trigger settlement_file_content before update of id, psp, day, version, name, sha256, content, fetched_at or delete
  on payments.settlement_file for each row execute function compliance.refuse_change();
grant update (state, reason) on payments.settlement_file to pitboss_writer;
create index settlement_file_open on payments.settlement_file (psp, day) where state <> 'reconciled';

do $$
declare
  before text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict before
    from pg_constraint where conrelid = 'payments.work_item'::regclass and conname = 'work_item_kind_check';
  alter table payments.work_item drop constraint work_item_kind_check;
  execute format('alter table payments.work_item add constraint work_item_kind_check
    check ((%s) or kind = ''unreadable-settlement'')', before);
end
$$;
