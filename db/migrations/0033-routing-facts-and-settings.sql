-- What routing rules may know besides: the country of an address and the bank of a card from tables that are imported,
-- the tier that staff gave a player, and a fraud score with its source. Nothing is shipped in any of them.

-- A table comes in numbered parts, is put into force by another person, and can be put back into force later.
create table payments.lookup_import (
  id uuid primary key,
  kind text not null check (kind in ('ip-network', 'bin')),
  version integer not null check (version > 0),
  source text not null check (length(source) between 3 and 300),
  -- The day that the source speaks of.
  as_of date not null,
  state text not null default 'loading' check (state in ('loading', 'active', 'retired')),
  author text not null check (author like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  fingerprint bytea not null,
  created_at timestamptz not null default now(),
  activated_by text check (activated_by like 'operator:%' and activated_by <> author),
  activated_at timestamptz,
  unique (kind, version),
  check ((state = 'loading') = (activated_by is null)),
  check ((activated_by is null) = (activated_at is null))
);
create unique index lookup_import_active on payments.lookup_import (kind) where state = 'active';
create trigger lookup_import_states before update on payments.lookup_import for each row execute function
  payments.guard_state('loading>active active>retired retired>active');
create trigger lookup_import_content before update or delete on payments.lookup_import for each row execute function
  payments.refuse_other_content('id kind version source as_of author reason fingerprint created_at');

create table payments.lookup_part (
  import_id uuid not null references payments.lookup_import,
  part integer not null check (part between 1 and 10000),
  sha256 bytea not null check (octet_length(sha256) = 32),
  rows integer not null check (rows > 0),
  loaded_at timestamptz not null default now(),
  primary key (import_id, part)
);
create table payments.ip_network (
  import_id uuid not null references payments.lookup_import,
  network cidr not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  primary key (import_id, network)
);
-- Every network that could hold the address. Looked for by name in the primary key, they cost some 30 steps down a tree
-- (130 for IPv6) however long the table; an index of containment makes the planner read whole versions.
create function payments.networks_over(address inet) returns cidr[] language sql immutable strict parallel safe as $$
  select array_agg(network(set_masklen(address, bits)))
  from generate_series(0, case family(address) when 4 then 32 else 128 end) bits
$$;
create table payments.bin_range (
  import_id uuid not null references payments.lookup_import,
  -- First eight digits as a number, both ends within.
  span int4range not null check (not isempty(span) and lower(span) >= 0 and upper(span) <= 100000000),
  issuer text not null check (length(issuer) between 1 and 200),
  country text not null check (country ~ '^[A-Z]{2}$'),
  card_type text check (card_type in ('credit', 'debit', 'prepaid')),
  -- The span first: nothing may find rows by their version alone, which are hundreds of thousands.
  primary key (span, import_id)
);
create index bin_range_by_digits on payments.bin_range using gist (span);

-- What is in force, or was, stays as it was checked.
create function payments.guard_lookup_row() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' or exists (select from payments.lookup_import where id = new.import_id and state <> 'loading') then
    raise exception 'the rows of a table that was imported are kept' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger lookup_part_guarded before insert or update or delete on payments.lookup_part
  for each row execute function payments.guard_lookup_row();
create trigger ip_network_guarded before update or delete on payments.ip_network
  for each row execute function payments.guard_lookup_row();
create trigger bin_range_guarded before update or delete on payments.bin_range
  for each row execute function payments.guard_lookup_row();

-- The highest version of a player is what holds; null takes the tier away.
create table crm.player_tier (
  player_id uuid not null references pam.player,
  version integer not null check (version > 0),
  tier text check (tier ~ '^[a-z][a-z0-9-]{0,29}$'),
  author text not null check (author like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  set_at timestamptz not null default now(),
  primary key (player_id, version)
);
call compliance.make_append_only('crm.player_tier');

-- As above. 0 is harmless, 1000 is fraud for certain; who scores says so in `source`, and for how long it holds.
create table risk.fraud_score (
  player_id uuid not null references pam.player,
  version integer not null check (version > 0),
  score integer not null check (score between 0 and 1000),
  source text not null check (length(source) between 3 and 200),
  author text not null check (author like 'operator:%' or author like 'system:%'),
  reason text not null check (length(reason) between 3 and 500),
  given_at timestamptz not null default now(),
  expires_at timestamptz not null check (expires_at > given_at),
  primary key (player_id, version)
);
call compliance.make_append_only('risk.fraud_score');

-- As in 0028, and what is above.
create or replace function payments.facts_of_payer(payer uuid, signed_in uuid, address inet, tokens text[], more jsonb)
returns jsonb language plpgsql stable as $$
declare
  facts jsonb;
begin
  with me as (
    select p.id, p.brand, p.country, p.registered_at, p.email_index, s.device_id
    from pam.player p left join pam.session s on s.id = signed_in and s.player_id = p.id
    where p.id = payer
  ),
  cards as (
    select distinct c.id, c.network, c.bin, c.country,
      exists (select from payments.card_fingerprint f where f.card_id = c.id) as is_known
    from payments.card_token t join payments.card c on c.id = t.card_id
    where t.player_id = payer and t.token = any (tokens)
  ),
  -- Of a range that holds all numbers that begin so; of several the narrowest.
  issued as (
    select c.id, r.issuer, r.country, r.card_type from cards c
    cross join lateral (
      select b.issuer, b.country, b.card_type
      from payments.bin_range b join payments.lookup_import i on i.id = b.import_id
      where i.kind = 'bin' and i.state = 'active'
        and b.span @> int4range(rpad(c.bin, 8, '0')::integer, rpad(c.bin, 8, '9')::integer, '[]')
      order by upper(b.span) - lower(b.span) limit 1) r
    where c.bin is not null
  ),
  keys as (
    select 'player' as kind, id::text as key from me
    union all select 'country', country from me
    union all select 'email', encode(email_index, 'hex') from me where email_index is not null
    union all select 'device', device_id::text from me where device_id is not null
    union all select 'card', id::text from cards
    union all select 'bin', left(bin, digits) from cards, generate_series(6, 8) digits where length(bin) >= digits
    union all select m ->> 'kind', m ->> 'key' from jsonb_array_elements(more) m
  ),
  listed as (
    select l.* from payments.list_entry l join keys using (kind, key), me
    where l.brand = me.brand and l.ended_at is null and (l.expires_at is null or l.expires_at > now())
    union
    select l.* from payments.list_entry l, me
    where l.kind = 'ip' and l.brand = me.brand and l.ended_at is null and address <<= l.network
      and (l.expires_at is null or l.expires_at > now())
  )
  select jsonb_build_object(
    'country', me.country,
    'deviceId', me.device_id,
    'accountAgeUs', ((extract(epoch from now() - me.registered_at)) * 1000000)::bigint::text,
    'nowUs', (extract(epoch from now()) * 1000000)::bigint::text,
    'deposits', (select count(*) from (
      select from payments.deposit d where d.player_id = me.id and d.state = 'captured' limit 100) counted),
    'cardBrand', (select i.card_brand from payments.instrument i
      where i.player_id = me.id and i.token = any (tokens) order by i.created_at desc limit 1),
    'cards', coalesce((select jsonb_agg(jsonb_build_object('id', c.id, 'network', c.network, 'bin', c.bin,
      'country', c.country, 'isKnown', c.is_known, 'issuer', b.issuer, 'issuerCountry', b.country, 'type', b.card_type)
      order by c.is_known desc, c.id) from cards c left join issued b on b.id = c.id), '[]'),
    'ipCountry', (select n.country from payments.ip_network n
      where n.network = any (payments.networks_over(address))
        and n.import_id = (select i.id from payments.lookup_import i where i.kind = 'ip-network' and i.state = 'active')
      order by masklen(n.network) desc limit 1),
    'tier', (select t.tier from crm.player_tier t where t.player_id = me.id order by t.version desc limit 1),
    -- One that has run out is no score, and an older one is none again.
    'fraudScore', (select case when f.expires_at > now() then f.score end from risk.fraud_score f
      where f.player_id = me.id order by f.version desc limit 1),
    -- As it is kept: whoever holds the key reads the age in it.
    'sealedIdentity', (select jsonb_build_object('keyId', k.key_id, 'wrapped', encode(k.wrapped, 'hex'),
        'sealed', encode(d.sealed, 'hex'))
      from pam.player_key k join pam.player_pii d on d.player_id = k.player_id and d.purpose = k.purpose
      where k.player_id = me.id and k.purpose = 'aml' and k.wrapped is not null),
    'listed', coalesce((select jsonb_agg(jsonb_build_object('id', l.id, 'list', l.list, 'kind', l.kind, 'skips', l.skips)
      order by l.created_at, l.id) from listed l), '[]'),
    'uses', jsonb_build_object(
      'player', (select count(*) from payments.payment_use u where u.subject = 'player:' || me.id
        and u.flow = 'deposit' and u.used_at > now() - interval '24 hours'),
      'card', (select count(*) from cards c join payments.payment_use u on u.subject = 'card:' || c.id
        where u.flow = 'deposit' and u.used_at > now() - interval '24 hours'),
      'device', (select count(*) from payments.payment_use u where u.subject = 'device:' || me.device_id
        and u.flow = 'deposit' and u.used_at > now() - interval '1 hour'),
      'ip', (select count(*) from (select from payments.payment_use u where u.subject = 'ip:' || host(address)
        and u.flow = 'deposit' and u.used_at > now() - interval '1 hour' limit 1000) counted),
      'ipDeclinedCards', (select count(distinct card_id) from (select u.card_id from payments.payment_use u
        where u.subject = 'ip:' || host(address) and u.state = 'declined' and u.used_at > now() - interval '1 hour'
        limit 1000) counted)))
  into facts from me;
  return facts;
end
$$;

-- A setting that decides about money: one person proposes the next version, another one puts it into force.
create table payments.setting_change (
  id uuid primary key,
  kind text not null check (kind in ('psp-fee', 'withdrawal-fee', 'approver-band', 'second-charge', 'psp-route')),
  -- * is for all brands that have none of their own, or what belongs to no brand.
  brand text not null,
  -- What of its kind and brand is set; and the version that it becomes.
  scope text not null check (length(scope) between 1 and 200),
  version integer not null check (version > 0),
  content jsonb not null,
  payload_hash bytea not null check (octet_length(payload_hash) = 32),
  author text not null check (author like 'operator:%'),
  reason text not null check (length(reason) between 3 and 500),
  fingerprint bytea not null,
  proposed_at timestamptz not null default now(),
  state text not null default 'proposed' check (state in ('proposed', 'applied', 'refused')),
  decided_by text check (decided_by like 'operator:%'),
  decision_reason text check (length(decision_reason) between 3 and 500),
  decided_at timestamptz,
  check (num_nulls(decided_by, decision_reason, decided_at) in (0, 3)),
  check ((state = 'proposed') = (decided_by is null)),
  -- Who proposed it may take it back, and no more.
  check (state <> 'applied' or decided_by <> author)
);
create unique index setting_change_applied on payments.setting_change (kind, brand, scope, version) where state = 'applied';
create index setting_change_by_time on payments.setting_change (proposed_at desc, id desc);
create trigger setting_change_states before update on payments.setting_change for each row execute function
  payments.guard_state('proposed>applied proposed>refused');
create trigger setting_change_content before update or delete on payments.setting_change for each row execute function
  payments.refuse_other_content('id kind brand scope version content payload_hash author reason fingerprint proposed_at');

-- Null: shipped or seeded.
alter table payments.psp_fee_term add column change_id uuid unique references payments.setting_change;
alter table payments.withdrawal_fee_term add column change_id uuid unique references payments.setting_change;
alter table payments.approver_band add column change_id uuid unique references payments.setting_change;
alter table payments.second_charge_policy add column change_id uuid unique references payments.setting_change;
alter table payments.psp_route add column change_id uuid unique references payments.setting_change;

-- Money follows these rows, so the database does not take one from a change that nobody else has seen.
create function payments.check_setting() returns trigger language plpgsql as $$
begin
  if not exists (select from payments.setting_change where id = new.change_id and state = 'applied'
      and kind = tg_argv[0] and version = new.version) then
    raise exception 'setting change % was not decided for this', new.change_id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger psp_fee_term_decided before insert on payments.psp_fee_term for each row
  when (new.change_id is not null) execute function payments.check_setting('psp-fee');
create trigger withdrawal_fee_term_decided before insert on payments.withdrawal_fee_term for each row
  when (new.change_id is not null) execute function payments.check_setting('withdrawal-fee');
create trigger approver_band_decided before insert on payments.approver_band for each row
  when (new.change_id is not null) execute function payments.check_setting('approver-band');
create trigger second_charge_policy_decided before insert on payments.second_charge_policy for each row
  when (new.change_id is not null) execute function payments.check_setting('second-charge');
create trigger psp_route_decided before insert on payments.psp_route for each row
  when (new.change_id is not null) execute function payments.check_setting('psp-route');
