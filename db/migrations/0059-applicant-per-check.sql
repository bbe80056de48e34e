-- Each check has an applicant of its own at the vendor, so that no review of another check can answer it. The vendor knows
-- the check under `vendor_user_id`; checks that began under the player's id keep it, they have their links already.
alter table kyc.verification add column vendor_user_id text;
alter table kyc.verification disable trigger verification_states;
update kyc.verification set vendor_user_id =
  case when vendor_applicant_id is null then id else player_id end::text;
alter table kyc.verification enable trigger verification_states;
alter table kyc.verification alter column vendor_user_id set not null;

create unique index verification_own_applicant on kyc.verification (vendor_applicant_id)
  where vendor_user_id = id::text;
create index verification_by_vendor_user on kyc.verification (vendor_user_id, opened_at);

create function kyc.refuse_vendor_user_change() returns trigger language plpgsql as $$
begin
  raise exception 'verification % is known to the vendor under its name', old.id
    using errcode = 'integrity_constraint_violation';
end
$$;
create trigger verification_vendor_user before update on kyc.verification
  for each row when (new.vendor_user_id is distinct from old.vendor_user_id)
  execute function kyc.refuse_vendor_user_change();
