-- The policy of charges whose authentication may not be used is a setting as the others: proposed by one person and put
-- into force by another.
alter table payments.setting_change drop constraint setting_change_kind_check;
alter table payments.setting_change add constraint setting_change_kind_check check (kind in
  ('psp-fee', 'withdrawal-fee', 'approver-band', 'second-charge', 'unauthenticated-charge', 'psp-route'));
alter table payments.unauthenticated_charge_policy add column change_id uuid unique references payments.setting_change;
create trigger unauthenticated_charge_policy_decided before insert on payments.unauthenticated_charge_policy for each row
  when (new.change_id is not null) execute function payments.check_setting('unauthenticated-charge');
