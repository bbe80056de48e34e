-- Schemas, one per module, and the two roles that processes connect as. The owner role only migrates.
create schema pam;
create schema wallet;
create schema kyc;
create schema payments;
create schema bonus;
create schema games;
create schema affiliates;
create schema crm;
create schema responsible_gambling;
create schema risk;
create schema cms;
create schema compliance;
create schema bi;
create schema backoffice;

do $$
declare
  module text;
begin
  foreach module in array array['pam', 'wallet', 'kyc', 'payments', 'bonus', 'games', 'affiliates', 'crm',
    'responsible_gambling', 'risk', 'cms', 'compliance', 'bi', 'backoffice']
  loop
    execute format('grant usage on schema %I to pitboss_writer, pitboss_reader', module);
    execute format('alter default privileges in schema %I grant select on tables to pitboss_reader', module);
    execute format('alter default privileges in schema %I grant select, insert, update, delete on tables to pitboss_writer', module);
    execute format('alter default privileges in schema %I grant usage on sequences to pitboss_writer', module);
  end loop;
end
$$;

-- Attached to every table whose rows are evidence. It binds the owner too: only dropping the trigger, which the
-- statement log shows, would get past it.
create function compliance.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    using errcode = 'integrity_constraint_violation';
end
$$;

create procedure compliance.make_append_only(target regclass) language plpgsql as $$
begin
  execute format('create trigger append_only_rows before update or delete on %s
                  for each row execute function compliance.refuse_change()', target);
  execute format('create trigger append_only_table before truncate on %s
                  for each statement execute function compliance.refuse_change()', target);
  execute format('revoke update, delete, truncate on %s from pitboss_writer', target);
end
$$;
