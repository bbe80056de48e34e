-- What Checkout.com may take per movement, as the contract of this installation has it; a change is a new version.
insert into payments.psp_fee_term (psp, kind, version, bps, fixed_minor)
select 'gamma', kind, 1, bps, fixed from
  (values ('charge', 140, 25), ('refund', 0, 0), ('dispute', 0, 1500), ('dispute-reversal', 0, 0), ('payout', 0, 25))
    as t(kind, bps, fixed);
