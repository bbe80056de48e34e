-- Who proposed a key may take it back, as with every other proposal; to activate it takes another person.
alter table games.integration_credential drop constraint integration_credential_check6;
alter table games.integration_credential add constraint credential_activated_by_another
  check (state <> 'active' or decided_by <> proposed_by or proposed_by = 'system:configuration');

-- What somebody meant a week ago about an address or a network may no longer be meant: afterwards it can only be refused.
alter table games.integration_proposal add column open_until timestamptz not null default now() + interval '7 days';
alter table games.integration_proposal add constraint integration_proposal_in_time
  check (state <> 'applied' or decided_at < open_until);
drop trigger integration_proposal_content on games.integration_proposal;
create trigger integration_proposal_content before update or delete on games.integration_proposal for each row execute function
  payments.refuse_other_content('id kind integration brand after content fingerprint payload_hash author reason proposed_at open_until');
