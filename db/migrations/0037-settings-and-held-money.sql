-- The policy of charges whose authentication may not be used is a setting as the others: proposed by one person and put
-- into force by another.
alter table payments.setting_change drop constraint setting_change_kind_check;
alter table payments.setting_change add constraint setting_change_kind_check check (kind in
  ('psp-fee', 'withdrawal-fee', 'approver-band', 'second-charge', 'unauthenticated-charge', 'psp-route'));
alter table payments.unauthenticated_charge_policy add column change_id uuid unique references payments.setting_change;
create trigger unauthenticated_charge_policy_decided before insert on payments.unauthenticated_charge_policy for each row
  when (new.change_id is not null) execute function payments.check_setting('unauthenticated-charge');

-- What becomes of the money of a withdrawal whose player a person has confirmed to be on a list: one person of compliance
-- proposes, another one decides. Nothing gives it back to the balance, and nothing moves it without a row here.
create table payments.held_money_proposal (
  id uuid primary key,
  withdrawal_id uuid not null references payments.withdrawal,
  screening_id uuid not null,
  player_id uuid not null,
  brand text not null,
  asset text not null references wallet.asset,
  -- What was held of it when it was proposed.
  amount numeric(38, 0) not null check (amount > 0),
  decision text not null check (decision in ('keep', 'pay', 'forfeit')),
  reason_code text not null,
  -- Number of the licence, the notice or the order.
  reference text check (length(reference) between 3 and 200),
  note text not null check (length(note) between 3 and 500),
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  fingerprint bytea not null,
  proposed_by uuid not null check (proposed_by <> player_id),
  proposed_at timestamptz not null default now(),
  state text not null default 'proposed' check (state in ('proposed', 'approved', 'refused')),
  decided_by uuid check (decided_by <> player_id),
  decision_reason text check (length(decision_reason) between 3 and 500),
  decided_at timestamptz,
  check (decision <> 'forfeit' or reference is not null),
  check (num_nulls(decided_by, decision_reason, decided_at) in (0, 3)),
  check ((state = 'proposed') = (decided_by is null)),
  -- Who proposed it may take it back, and no more.
  check (state <> 'approved' or decided_by <> proposed_by)
);
create unique index held_money_proposal_open on payments.held_money_proposal (withdrawal_id) where state = 'proposed';
create index held_money_proposal_by_withdrawal on payments.held_money_proposal (withdrawal_id, proposed_at);
create index held_money_proposal_by_time on payments.held_money_proposal (proposed_at desc, id desc);
create trigger held_money_proposal_states before update on payments.held_money_proposal for each row execute function
  payments.guard_state('proposed>approved proposed>refused');
create trigger held_money_proposal_content before update or delete on payments.held_money_proposal for each row execute
  function payments.refuse_other_content('id withdrawal_id screening_id player_id brand asset amount decision reason_code reference note payload_hash fingerprint proposed_by proposed_at');

alter table payments.withdrawal drop constraint withdrawal_state_check;
alter table payments.withdrawal add constraint withdrawal_state_check check (state in ('requested', 'checking',
  'awaiting-approval', 'approved', 'submitted', 'paid', 'partly-paid', 'refused', 'cancelled', 'forfeited', 'parked'));
alter table payments.withdrawal drop constraint withdrawal_closed_check;
alter table payments.withdrawal add constraint withdrawal_closed_check
  check ((state in ('paid', 'partly-paid', 'refused', 'cancelled', 'forfeited')) = (closed_at is not null));
drop trigger withdrawal_states on payments.withdrawal;
create trigger withdrawal_states before update on payments.withdrawal for each row execute function payments.guard_state(
  'requested>checking requested>cancelled requested>refused checking>awaiting-approval checking>approved checking>refused checking>cancelled checking>parked awaiting-approval>approved awaiting-approval>refused awaiting-approval>cancelled awaiting-approval>parked approved>submitted approved>cancelled approved>refused approved>parked submitted>paid submitted>partly-paid submitted>refused submitted>parked parked>submitted parked>paid parked>partly-paid parked>refused parked>checking parked>forfeited');

alter table payments.withdrawal_leg drop constraint withdrawal_leg_state_check;
alter table payments.withdrawal_leg add constraint withdrawal_leg_state_check
  check (state in ('planned', 'paid', 'released', 'rerouted', 'returned', 'forfeited'));
drop trigger withdrawal_leg_states on payments.withdrawal_leg;
create trigger withdrawal_leg_states before update on payments.withdrawal_leg for each row execute function payments.guard_state(
  'planned>paid planned>released planned>rerouted planned>forfeited paid>returned');

create index screening_confirmed on kyc.screening (decided_at, id) where state = 'confirmed';

create function payments.check_held_leg() returns trigger language plpgsql as $$
begin
  if new.state = 'released' and exists (select from kyc.screening
      where subject = 'withdrawal:' || new.withdrawal_id and state = 'confirmed') then
    raise exception 'withdrawal % is held for a confirmed match', new.withdrawal_id
      using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'forfeited' and not exists (select from payments.held_money_proposal
      where withdrawal_id = new.withdrawal_id and decision = 'forfeit' and state = 'approved') then
    raise exception 'nobody decided that withdrawal % is forfeited', new.withdrawal_id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger withdrawal_leg_held before update of state on payments.withdrawal_leg for each row
  when (old.state = 'planned' and new.state in ('released', 'forfeited')) execute function payments.check_held_leg();

create function payments.check_held_withdrawal() returns trigger language plpgsql as $$
begin
  if not exists (select from payments.held_money_proposal where withdrawal_id = new.id and state = 'approved'
      and decision = case new.state when 'checking' then 'pay' else 'forfeit' end) then
    raise exception 'nobody decided about the held money of withdrawal %', new.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger withdrawal_held before update of state on payments.withdrawal for each row
  when (old.state = 'parked' and new.state in ('checking', 'forfeited')) execute function payments.check_held_withdrawal();
