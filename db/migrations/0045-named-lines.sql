-- A settlement line may name a call of ours whose outcome is unknown here, or that was closed: its break says which, the
-- payment is made to ask its PSP again, and once it has settled the line is matched as any other.
alter table payments.reconciliation_break
  -- Of the call that the line names; the payment is the subject. Null where it names none.
  add column attempt integer check (attempt between 1 and 9999),
  add column pokes integer not null default 0 check (pokes >= 0),
  add column poked_at timestamptz,
  add constraint reconciliation_break_named check (attempt is null or subject is not null);
create trigger break_attempt before update of attempt on payments.reconciliation_break
  for each row execute function compliance.refuse_change();
create index break_named on payments.reconciliation_break (psp, opened_at) where attempt is not null and closed_at is null;

alter table payments.reconciliation_break drop constraint reconciliation_break_proof_kind_check;
alter table payments.reconciliation_break add constraint reconciliation_break_proof_kind_check
  check (proof_kind in ('later-line', 'bank-line', 'journal', 'correction', 'movement'));

-- What a line was matched with may be found after its file was; what the PSP told stays as it was told.
drop trigger append_only_rows on payments.settlement_line;
create trigger settlement_line_content
  before update of file_id, line, psp, natural_key, kind, psp_reference, reference, asset, gross, fee or delete
  on payments.settlement_line for each row execute function compliance.refuse_change();
create function payments.guard_line_match() returns trigger language plpgsql as $$
begin
  if old.subject is not null and new.subject is distinct from old.subject then
    raise exception 'line % of file % is matched', old.line, old.file_id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger settlement_line_matched before update on payments.settlement_line
  for each row execute function payments.guard_line_match();
grant update (subject) on payments.settlement_line to pitboss_writer;
