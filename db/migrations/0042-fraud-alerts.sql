-- Fraud reports of issuers about our charges: a case with a deadline, and no journal. Linked with what answers them, a
-- refund or a chargeback, by the deposit, because each of the three has another name at the PSP.
create table payments.fraud_alert (
  id uuid primary key default gen_random_uuid(),
  psp text not null,
  psp_reference text not null,
  -- The PSP's name of the charge.
  charge_reference text not null,
  deposit_id uuid not null,
  attempt smallint not null,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  state text not null default 'open' check (state in ('open', 'refunding', 'refunded', 'disputed', 'dismissed')),
  -- What the PSP told when it was asked; null before.
  fraud_type text,
  is_actionable boolean,
  asset text references wallet.asset,
  amount numeric(38, 0) check (amount > 0),
  told_at timestamptz,
  due_at timestamptz not null,
  due_reason text not null,
  -- The deadline passed while it was open.
  expired_at timestamptz,
  refund_id uuid references payments.refund,
  dispute_id uuid references payments.dispute,
  -- Of the person who accepted or dismissed it last.
  decided_by uuid check (decided_by <> player_id),
  reason text check (length(reason) between 3 and 500),
  -- How often it was opened again after its refund had come back; each has a run of the workflow of its own.
  reopened smallint not null default 0,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  unique (psp, psp_reference),
  foreign key (deposit_id, attempt) references payments.attempt (deposit_id, number),
  check ((asset is null) = (amount is null)),
  check ((state in ('refunded', 'disputed', 'dismissed')) = (closed_at is not null)),
  check (state <> 'refunding' or refund_id is not null),
  check ((state = 'disputed') = (dispute_id is not null)),
  check (state not in ('refunding', 'dismissed') or num_nulls(decided_by, reason) = 0)
);
create index fraud_alert_by_deposit on payments.fraud_alert (deposit_id);
create index fraud_alert_by_time on payments.fraud_alert (opened_at, id);

create trigger fraud_alert_states before update on payments.fraud_alert for each row execute function payments.guard_state(
  'open>refunding open>refunded open>disputed open>dismissed refunding>open refunding>refunded refunding>disputed refunded>open refunded>disputed');
create trigger fraud_alert_content before update or delete on payments.fraud_alert for each row execute function
  payments.refuse_other_content('id psp psp_reference charge_reference deposit_id attempt player_id brand jurisdiction due_at due_reason opened_at');

-- What answers a report is about the same deposit.
create function payments.check_fraud_alert() returns trigger language plpgsql as $$
begin
  if (new.refund_id is not null and not exists (select 1 from payments.refund r
        where r.id = new.refund_id and r.deposit_id = new.deposit_id))
     or (new.dispute_id is not null and not exists (select 1 from payments.dispute d
        where d.id = new.dispute_id and d.deposit_id = new.deposit_id and d.stage <> 'inquiry')) then
    raise exception 'fraud alert % is answered by something about another deposit', new.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger fraud_alert_answered before insert or update of refund_id, dispute_id on payments.fraud_alert
  for each row execute function payments.check_fraud_alert();
