-- Whom a limit applies to beyond its scope, as a condition of the rule language; null means everybody in the scope.
-- The code checks it when it is saved, and closes what it cannot read.
alter table payments.payment_rule add column condition jsonb
  check (condition is null or jsonb_typeof(condition) = 'object');
