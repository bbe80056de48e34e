-- Rates, and what an integration opens (its address, our name there, who may call, whether it takes stakes), are proposed by
-- one person and decided by another one. What only closes stays one person's, at once.

create table wallet.rate_proposal (
  -- Also the id of the rate that it becomes.
  id uuid primary key,
  sold_asset text not null references wallet.asset,
  bought_asset text not null references wallet.asset,
  rate text not null check (rate ~ '^(\d{1,20}(\.\d{1,18})?|\d{1,38}/\d{1,38})$'),
  source text not null check (length(source) between 1 and 100),
  quoted_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > quoted_at),
  -- The newest rate of the pair when it was proposed; none before the first one.
  after_id uuid references wallet.rate,
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  author text not null check (author like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  fingerprint bytea not null,
  proposed_at timestamptz not null default now(),
  -- A price is no price for long: afterwards it can only be refused.
  open_until timestamptz not null check (open_until <= expires_at),
  state text not null default 'proposed' check (state in ('proposed', 'applied', 'refused')),
  decided_by text check (decided_by like 'operator:%'),
  decision_reason text check (length(decision_reason) between 3 and 500),
  decided_at timestamptz,
  check (sold_asset <> bought_asset),
  check (num_nulls(decided_by, decision_reason, decided_at) in (0, 3)),
  check ((state = 'proposed') = (decided_by is null)),
  -- Who proposed it may take it back, and no more.
  check (state <> 'applied' or decided_by <> author),
  check (state <> 'applied' or decided_at < open_until)
);
create index rate_proposal_by_time on wallet.rate_proposal (proposed_at desc, id desc);
create trigger rate_proposal_states before update on wallet.rate_proposal for each row execute function
  payments.guard_state('proposed>applied proposed>refused');
create trigger rate_proposal_content before update or delete on wallet.rate_proposal for each row execute function
  payments.refuse_other_content('id sold_asset bought_asset rate source quoted_at expires_at after_id payload_hash author reason fingerprint proposed_at open_until');
revoke truncate on wallet.rate_proposal from pitboss_writer;

-- A person's rate is one that two people agreed on, to the letter. A rate of `system:` comes from whoever runs the platform.
create function wallet.check_rate_decided() returns trigger language plpgsql as $$
begin
  if not exists (select from wallet.rate_proposal p where p.id = new.id and p.state = 'applied'
      and (p.sold_asset, p.bought_asset, p.rate, p.source, p.quoted_at, p.expires_at, p.author)
        = (new.sold_asset, new.bought_asset, new.rate, new.source, new.quoted_at, new.expires_at, new.published_by)) then
    raise exception 'the rate % was not decided by two', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger rate_decided before insert on wallet.rate for each row
  when (new.published_by not like 'system:%') execute function wallet.check_rate_decided();

-- A rate that was ended before its time: its pair has none until two people agree on another one.
create table wallet.rate_ending (
  rate_id uuid primary key references wallet.rate,
  ended_by text not null check (ended_by like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  ended_at timestamptz not null default now()
);
call compliance.make_append_only('wallet.rate_ending');

create table games.integration_proposal (
  id uuid primary key,
  kind text not null check (kind in ('creation', 'change')),
  -- A creation's is not there yet.
  integration text not null check (integration ~ '^[a-z][a-z0-9-]{1,39}$'),
  brand text not null references pam.brand,
  -- The version that it was proposed about, 0 for none.
  after integer not null check ((kind = 'creation') = (after = 0) and after >= 0),
  content jsonb not null,
  -- SHA-256 of the content alone: the same wish, while it is open, is the same proposal.
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  author text not null check (author like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  proposed_at timestamptz not null default now(),
  state text not null default 'proposed' check (state in ('proposed', 'applied', 'refused')),
  decided_by text check (decided_by like 'operator:%'),
  decision_reason text check (length(decision_reason) between 3 and 500),
  decided_at timestamptz,
  check (num_nulls(decided_by, decision_reason, decided_at) in (0, 3)),
  check ((state = 'proposed') = (decided_by is null)),
  check (state <> 'applied' or decided_by <> author)
);
create unique index integration_proposal_open on games.integration_proposal (integration, after, fingerprint)
  where state = 'proposed';
create index integration_proposal_by_time on games.integration_proposal (proposed_at desc, id desc);
create trigger integration_proposal_states before update on games.integration_proposal for each row execute function
  payments.guard_state('proposed>applied proposed>refused');
create trigger integration_proposal_content before update or delete on games.integration_proposal for each row execute function
  payments.refuse_other_content('id kind integration brand after content fingerprint payload_hash author reason proposed_at');
revoke truncate on games.integration_proposal from pitboss_writer;

-- What two people agreed on about a key stays: its time is never prolonged, and nothing of it moves before they have decided.
create function games.guard_credential_time() returns trigger language plpgsql as $$
begin
  if new.valid_from <> old.valid_from
    or (old.valid_until is not null and (new.valid_until is null or new.valid_until > old.valid_until))
    or (old.state = 'proposed' and (new.valid_until, new.signs_from) is distinct from (old.valid_until, old.signs_from)) then
    raise exception 'the time of credential % is only ever shortened', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger credential_time before update on games.integration_credential
  for each row execute function games.guard_credential_time();
