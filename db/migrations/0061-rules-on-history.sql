-- What a version of rules would have decided is counted inside the database, so it must know where a key falls in the
-- volume. The same arithmetic as domain/rules/volume-split.ts, from the salt's hash on: FNV-1a over the UTF-16 units of a
-- key of one byte a character, and the finaliser of MurmurHash3.
create function backoffice.volume_bucket(start bigint, key text) returns integer
language plpgsql immutable strict parallel safe as $$
declare
  hash bigint := start;
begin
  for place in 1..length(key) loop
    hash := ((hash # ascii(substr(key, place, 1))) * 16777619) & 4294967295;
    hash := (hash * 16777619) & 4294967295;
  end loop;
  -- Multiplied in two halves, since the product of two numbers of 32 bits does not fit into a signed one of 64.
  hash := hash # (hash >> 16);
  hash := ((((hash * 34283) & 65535) << 16) + hash * 51819) & 4294967295;
  hash := hash # (hash >> 13);
  hash := ((((hash * 49842) & 65535) << 16) + hash * 44597) & 4294967295;
  return (hash # (hash >> 16)) % 10000;
end
$$;

-- Whether a method was open to a payment, with what decided it: as `routing_decision`. A payment that was refused has no row
-- of its own, and one key may be tried again, so each question is a row.
create table payments.eligibility_decision (
  id uuid primary key default gen_random_uuid(),
  -- Of the deposit that was asked for, whether or not it came to be.
  payment_id uuid not null,
  player_id uuid not null references pam.player,
  brand text not null,
  rule_version_id uuid not null references backoffice.rule_version,
  inputs jsonb not null,
  trace jsonb not null,
  row_name text,
  offer text not null check (offer in ('open', 'closed', 'needs-identity')),
  shadow_version_id uuid references backoffice.rule_version,
  shadow_offer text check (shadow_offer in ('open', 'closed', 'needs-identity')),
  took_us integer not null check (took_us >= 0),
  decided_at timestamptz not null default now(),
  check ((shadow_version_id is null) = (shadow_offer is null))
);
create index eligibility_decision_by_brand on payments.eligibility_decision (brand, decided_at desc, id desc);
create index eligibility_decision_by_payment on payments.eligibility_decision (payment_id);
call compliance.make_append_only('payments.eligibility_decision');
