-- The void of a hold that came after its attempt was closed: asked about until it is proven, and the proof of its work item.
create table payments.late_void (
  deposit_id uuid not null,
  attempt smallint not null,
  psp text not null,
  -- Our reference and the key of the void, one for ever.
  reference text not null unique,
  -- The PSP's name of the charge that holds the money, and of the void once it has told it.
  charge_reference text not null,
  psp_reference text,
  asset text not null references wallet.asset,
  amount numeric(38, 0) not null check (amount > 0),
  -- `refused`: the PSP says that it was not voided; a person does it there. `captured`: it took the money instead.
  state text not null default 'asked' check (state in ('asked', 'refused', 'voided', 'captured')),
  raw_code text,
  -- The item that speaks of this hold: no other may be closed by its proof.
  work_item_id uuid unique references payments.work_item,
  sent_at timestamptz not null default now(),
  pokes integer not null default 0 check (pokes >= 0),
  poked_at timestamptz,
  closed_at timestamptz,
  primary key (deposit_id, attempt),
  foreign key (deposit_id, attempt) references payments.attempt (deposit_id, number),
  check ((state in ('voided', 'captured')) = (closed_at is not null))
);
create index late_void_open on payments.late_void (poked_at) where closed_at is null;
create trigger late_void_states before update on payments.late_void for each row execute function payments.guard_state(
  'asked>refused asked>voided asked>captured refused>voided refused>captured');
create trigger late_void_content before update or delete on payments.late_void for each row execute function
  payments.refuse_other_content('deposit_id attempt psp reference charge_reference asset amount sent_at');
revoke delete, truncate on payments.late_void from pitboss_writer;

alter table payments.work_item drop constraint work_item_proof_kind_check;
alter table payments.work_item add constraint work_item_proof_kind_check
  check (proof_kind in ('ended', 'journal', 'correction', 'refund', 'bank-line', 'void'));
