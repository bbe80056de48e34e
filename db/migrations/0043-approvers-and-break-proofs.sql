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
