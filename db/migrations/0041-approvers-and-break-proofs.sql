-- Who opened the way of a withdrawal's money does not also allow it.
create function payments.check_approver_hand() returns trigger language plpgsql as $$
begin
  if exists (select from payments.held_money_proposal p
      where p.withdrawal_id = new.withdrawal_id and new.operator_id in (p.proposed_by, p.decided_by))
    or exists (select from kyc.screening s
      where s.subject = 'withdrawal:' || new.withdrawal_id and s.decided_by = new.operator_id) then
    raise exception 'operator % had a hand in withdrawal %', new.operator_id, new.withdrawal_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger approver_hand_checked before insert on payments.withdrawal_approval
  for each row when (new.decision = 'approve') execute function payments.check_approver_hand();

-- A break that a journal or a correction closes is closed by a second person, who names the same proof.
alter table payments.reconciliation_break
  add column proposed_by uuid,
  add column proposed_kind text check (proposed_kind in ('journal', 'correction')),
  add column proposed_reference text check (length(proposed_reference) between 1 and 300),
  add column proposed_at timestamptz,
  add constraint reconciliation_break_proposal check
    (num_nulls(proposed_by, proposed_kind, proposed_reference, proposed_at) in (0, 4));
-- One movement of the ledger explains one break.
create unique index break_proof_once on payments.reconciliation_break (proof_kind, proof_reference)
  where proof_kind in ('journal', 'correction') and proposed_by is not null;

create function payments.check_break_proposal() returns trigger language plpgsql as $$
begin
  if new.closed_at is not null and new.proof_kind in ('journal', 'correction') and (new.proposed_by is null
      or new.proposed_kind <> new.proof_kind or new.proposed_reference <> new.proof_reference
      or new.closed_by = 'operator:' || new.proposed_by) then
    raise exception 'break % lacks a second person', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger break_proposal_checked before update on payments.reconciliation_break
  for each row execute function payments.check_break_proposal();
