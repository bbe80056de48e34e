-- A roll-back is the emergency brake: one person's act, at once. What he did is looked at afterwards by another one.
create table backoffice.rule_review (
  id uuid primary key default gen_random_uuid(),
  -- What was rolled back to, and the number of the version that made way; null where nothing was live.
  version_id uuid not null references backoffice.rule_version,
  rule_set text not null,
  brand text not null references pam.brand,
  replaced integer,
  rolled_back_by uuid not null references backoffice.operator,
  reason text not null,
  opened_at timestamptz not null default now(),
  owner uuid references backoffice.operator,
  -- `confirmed`: another person agrees. `replaced`: another person put another version live instead.
  outcome text check (outcome in ('confirmed', 'replaced')),
  closed_by uuid references backoffice.operator,
  closing_reason text check (length(closing_reason) between 3 and 500),
  closed_at timestamptz,
  check (num_nulls(outcome, closed_by, closing_reason, closed_at) in (0, 4)),
  -- Four eyes, whatever the code above believes.
  check (closed_by <> rolled_back_by),
  check (owner <> rolled_back_by)
);
create index rule_review_by_time on backoffice.rule_review (opened_at, id);
create index rule_review_open on backoffice.rule_review (rule_set, brand) where closed_at is null;

create function backoffice.guard_rule_review() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.closed_at is not null then
    raise exception 'reviews of roll-backs are kept, and a closed one stays' using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.version_id, new.rule_set, new.brand, new.replaced, new.rolled_back_by, new.reason, new.opened_at)
     is distinct from
     (old.id, old.version_id, old.rule_set, old.brand, old.replaced, old.rolled_back_by, old.reason, old.opened_at) then
    raise exception 'what review % is about cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger rule_review_guarded before update or delete on backoffice.rule_review
  for each row execute function backoffice.guard_rule_review();
revoke delete, truncate on backoffice.rule_review from pitboss_writer;

-- No way back to live without its review: looked at when the transaction commits, so their order in it is free.
create function backoffice.require_rule_review() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from backoffice.rule_review r where r.version_id = new.id and r.opened_at = new.live_at) then
    raise exception 'version % of % was rolled back to without a review', new.version, new.rule_set
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
create constraint trigger rule_version_roll_back_reviewed after update on backoffice.rule_version
  deferrable initially deferred for each row when (old.state = 'retired' and new.state = 'live')
  execute function backoffice.require_rule_review();
