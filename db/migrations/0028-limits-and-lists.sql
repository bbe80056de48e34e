-- What a payment may do before any PSP is asked: retry limits of card networks, limits of brands, lists, and the uses
-- that they are counted on. Amounts are units at ledger scale. Windows are seconds; null means for ever.

-- Ceilings for tries at one card. All rows in force apply at once, so the strictest wins and a row can never loosen.
create table payments.retry_rule (
  id uuid primary key,
  -- Lower-case scheme, or any.
  network text not null check (network ~ '^[a-z]{2,20}$'),
  -- attempts: tries in the window. reattempts: tries after the first one. never: none after such a refusal.
  -- wait: none within the window after such a refusal.
  rule text not null check (rule in ('attempts', 'reattempts', 'never', 'wait')),
  window_s integer check (window_s > 0),
  maximum integer not null check (maximum >= 0),
  scope text not null check (scope in ('card', 'card-currency', 'card-amount', 'card-amount-currency')),
  -- Which refusals the row speaks of: codes of the issuer, advice codes of the network, or our class.
  codes text[] not null default '{}',
  advice_codes text[] not null default '{}',
  decline_class text,
  imposed_by text not null check (imposed_by in ('network', 'acquirer', 'operator')),
  -- Of an acquirer's row: counted at this PSP alone.
  psp text,
  edition text not null check (length(edition) between 1 and 200),
  source text not null check (length(source) between 1 and 500),
  valid_from timestamptz not null default now(),
  valid_to timestamptz,
  author text not null check (author like 'operator:%' or author = 'system:seed'),
  reason text not null check (length(reason) between 1 and 500),
  -- In force only once another person has confirmed it.
  confirmed_by text,
  confirmed_at timestamptz,
  ended_by text,
  fingerprint bytea,
  created_at timestamptz not null default now(),
  check ((confirmed_by is null) = (confirmed_at is null)),
  check (confirmed_by is null or confirmed_by <> author or author = 'system:seed'),
  check (ended_by is null or ended_by <> author),
  check ((rule in ('attempts', 'reattempts')) = (codes = '{}' and advice_codes = '{}' and decline_class is null)),
  check (rule in ('attempts', 'reattempts') or maximum = 0),
  check (rule <> 'never' or window_s is null),
  check (rule not in ('attempts', 'reattempts', 'wait') or window_s is not null),
  check (psp is null or imposed_by = 'acquirer'),
  check (valid_to is null or valid_to > valid_from)
);
create function payments.guard_retry_rule() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'rows of retry rules are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if to_jsonb(new) - '{confirmed_by,confirmed_at,ended_by,valid_to}'::text[]
     is distinct from to_jsonb(old) - '{confirmed_by,confirmed_at,ended_by,valid_to}'::text[]
     or (old.confirmed_by is not null and new.confirmed_by is distinct from old.confirmed_by)
     or (old.ended_by is not null and (new.ended_by, new.valid_to) is distinct from (old.ended_by, old.valid_to))
     or (new.valid_to is distinct from old.valid_to and new.ended_by is null) then
    raise exception 'retry rule % cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger retry_rule_guarded before update or delete on payments.retry_rule
  for each row execute function payments.guard_retry_rule();

insert into payments.retry_rule (id, network, rule, window_s, maximum, scope, codes, advice_codes, decline_class,
  imposed_by, edition, source, valid_from, author, reason, confirmed_by, confirmed_at)
select gen_random_uuid(), r.network, r.rule, r.window_s, r.maximum, r.scope, r.codes, r.advice_codes, r.decline_class,
  r.imposed_by, r.edition, r.source, r.valid_from::timestamptz, 'system:seed', 'shipped with the platform', 'system:seed', now()
from (values
  ('visa', 'reattempts', 2592000, 20, 'card-amount-currency', '{}'::text[], '{}'::text[], null, 'network',
   'Visa Core Rules, 18 April 2026',
   'Visa Core Rules and Visa Product and Service Rules, ID# 0030640, Table 7-2 (categories 2 to 4); in force since 19 May 2025 by Checkout.com',
   '2025-05-19'),
  ('visa', 'never', null, 0, 'card', '{04,07,12,14,15,41,43,46,57,R0,R1,R3}', '{}', null, 'network',
   'Visa Core Rules, 18 April 2026',
   'Visa Core Rules and Visa Product and Service Rules, ID# 0030640, Table 7-2 (category 1)', '2026-04-18'),
  ('mastercard', 'attempts', 86400, 10, 'card-amount', '{}', '{}', null, 'network', 'as read in November 2026',
   'secondary sources only: the rules of Mastercard are not public', '2023-01-01'),
  ('mastercard', 'attempts', 2592000, 35, 'card-amount', '{}', '{}', null, 'network', 'as read in November 2026',
   'secondary sources only: the rules of Mastercard are not public', '2023-01-01'),
  ('mastercard', 'never', null, 0, 'card', '{}', '{03,21}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 3600, 0, 'card', '{}', '{24}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 86400, 0, 'card', '{}', '{25}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 172800, 0, 'card', '{}', '{26}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 345600, 0, 'card', '{}', '{27}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 518400, 0, 'card', '{}', '{28}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 691200, 0, 'card', '{}', '{29}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  ('mastercard', 'wait', 864000, 0, 'card', '{}', '{30}', null, 'network', 'as read in November 2026',
   'Merchant advice codes as listed by Braintree', '2023-01-01'),
  -- A PSP that hides the network's code still says that a card is lost, stolen or not permitted.
  ('any', 'never', null, 0, 'card-currency', '{}', '{}', 'hard_never', 'operator', 'of this platform',
   'decline class hard_never: no PSP is asked again for this card in this currency', '2023-01-01')
) as r(network, rule, window_s, maximum, scope, codes, advice_codes, decline_class, imposed_by, edition, source, valid_from);

-- What a brand admits, as versions: the highest of a name is the one in force, one that is not active ends it.
create table payments.payment_rule (
  id uuid primary key,
  brand text not null references pam.brand,
  name text not null check (name ~ '^[a-z][a-z0-9-]{2,59}$'),
  version integer not null check (version > 0),
  flow text not null check (flow in ('deposit', 'withdrawal')),
  -- closed: the method is not offered. kyc-level: it needs that level. declined-cards: different cards refused.
  measure text not null
    check (measure in ('amount-min', 'amount-max', 'count', 'sum', 'declined-cards', 'closed', 'kyc-level')),
  subject text not null check (subject in ('payment', 'card', 'player', 'device', 'ip')),
  -- Null means every one.
  method text,
  jurisdiction text,
  country text check (country ~ '^[A-Z]{2}$'),
  asset text references wallet.asset,
  amount numeric(38, 0) check (amount > 0),
  count_max integer check (count_max >= 0),
  kyc_level text,
  window_s integer check (window_s between 60 and 31622400),
  is_active boolean not null,
  author text not null check (author like 'operator:%' or (author = 'system:seed' and version = 1)),
  reason text not null check (length(reason) between 1 and 500),
  fingerprint bytea,
  created_at timestamptz not null default now(),
  unique (brand, name, version),
  check ((measure in ('amount-min', 'amount-max', 'sum')) = (amount is not null)),
  check (amount is null or asset is not null),
  check ((measure in ('count', 'declined-cards')) = (count_max is not null)),
  check ((measure in ('count', 'sum', 'declined-cards')) = (window_s is not null)),
  check ((measure in ('count', 'sum', 'declined-cards')) = (subject <> 'payment')),
  check ((measure = 'kyc-level') = (kyc_level is not null)),
  check (measure <> 'declined-cards' or subject in ('player', 'device', 'ip')),
  check (flow = 'deposit' or (subject <> 'card' and measure <> 'declined-cards'))
);
call compliance.make_append_only('payments.payment_rule');

-- Personal data as a keyed hash, in hex. A card is named by the id of payments.card.
create table payments.list_entry (
  id uuid primary key,
  brand text not null references pam.brand,
  list text not null check (list in ('black', 'grey', 'white')),
  kind text not null
    check (kind in ('card', 'bin', 'iban', 'email', 'device', 'ip', 'country', 'player', 'crypto-address')),
  key text not null check (length(key) between 1 and 200),
  network inet,
  -- Of a white entry: names of the payment rules that it skips.
  skips text[] not null default '{}',
  reason text not null check (length(reason) between 1 and 500),
  author text not null,
  fingerprint bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  ended_at timestamptz,
  ended_by text,
  end_reason text,
  check ((kind = 'ip') = (network is not null)),
  check ((list = 'white') = (cardinality(skips) > 0)),
  check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason is null)),
  check (expires_at is null or expires_at > created_at)
);
create index list_entry_by_key on payments.list_entry (brand, kind, key) where ended_at is null;
create index list_entry_by_network on payments.list_entry using gist (network inet_ops) where ended_at is null and kind = 'ip';
create index list_entry_by_time on payments.list_entry (brand, created_at desc, id desc);
create function payments.guard_list_entry() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'entries of lists are kept' using errcode = 'integrity_constraint_violation';
  end if;
  -- The key of a card changes when two ids turn out to be one card; nothing else does but the end.
  if to_jsonb(new) - '{key,ended_at,ended_by,end_reason}'::text[]
     is distinct from to_jsonb(old) - '{key,ended_at,ended_by,end_reason}'::text[]
     or (new.key <> old.key and old.kind <> 'card')
     or (old.ended_at is not null and new.ended_at is distinct from old.ended_at) then
    raise exception 'list entry % cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger list_entry_guarded before update or delete on payments.list_entry
  for each row execute function payments.guard_list_entry();

-- A card as far as PSPs tell: known by keyed hashes of their fingerprints, and by the tokens that a player used.
create table payments.card (
  id uuid primary key,
  network text,
  bin text check (bin ~ '^\d{6,8}$'),
  country text check (country ~ '^[A-Z]{2}$'),
  first_seen_at timestamptz not null default now()
);
create table payments.card_fingerprint (
  fingerprint bytea primary key check (length(fingerprint) = 32),
  card_id uuid not null references payments.card
);
create index card_fingerprint_by_card on payments.card_fingerprint (card_id);
create table payments.card_token (
  player_id uuid not null,
  psp text not null,
  token text not null,
  card_id uuid not null references payments.card,
  primary key (player_id, psp, token)
);
create index card_token_by_card on payments.card_token (card_id);

alter table payments.attempt
  add column card_fingerprint bytea check (length(card_fingerprint) = 32),
  add column card_network text,
  add column card_bin text check (card_bin ~ '^\d{6,8}$'),
  add column card_country text check (card_country ~ '^[A-Z]{2}$'),
  add column advice_code text;

-- One row for each try and each of whom it is counted on: card:{id}, player:{id}, device:{id}, ip:{address}.
create table payments.payment_use (
  subject text not null,
  -- deposit:{id} or withdrawal:{id}
  payment text not null,
  number smallint not null,
  flow text not null check (flow in ('deposit', 'withdrawal')),
  method text not null,
  asset text not null,
  amount numeric(38, 0) not null check (amount > 0),
  psp text,
  card_id uuid,
  -- open counts as if it were approved; void counts nowhere.
  state text not null default 'open' check (state in ('open', 'approved', 'declined', 'void')),
  decline_class text,
  network_code text,
  advice_code text,
  used_at timestamptz not null,
  primary key (subject, payment, number)
);
create index payment_use_recent on payments.payment_use (subject, used_at desc);
create index payment_use_by_payment on payments.payment_use (payment, number);

-- Locks those who are counted, counts, and writes the uses, in one call. Each statement in here sees what was committed
-- before it, so that of two tries that race the second one counts the first.
create function payments.take_uses(wish jsonb) returns jsonb language plpgsql as $$
declare
  tallies jsonb := '[]';
  probe jsonb;
  tally jsonb;
  at timestamptz;
begin
  perform pg_advisory_xact_lock(place)
  from (select distinct hashtextextended('payment-use ' || (p ->> 'subject'), 0) as place
        from jsonb_array_elements(wish -> 'probes') p order by 1) places;
  at := clock_timestamp();
  for probe in select p from jsonb_array_elements(wish -> 'probes') p loop
    select jsonb_build_object('uses', count(*), 'payments', count(distinct u.payment), 'cards', count(distinct u.card_id),
      'total', coalesce(sum(u.amount), 0)::text, 'nextS', ceil(extract(epoch from
        min(u.used_at) + make_interval(secs => (probe ->> 'windowS')::integer) - at)))
    into tally
    from payments.payment_use u
    where u.subject = probe ->> 'subject'
      and u.used_at > coalesce(at - make_interval(secs => (probe ->> 'windowS')::integer), '-infinity')
      and u.flow = coalesce(probe ->> 'flow', u.flow)
      and u.method = coalesce(probe ->> 'method', u.method)
      and u.asset = coalesce(probe ->> 'asset', u.asset)
      and u.amount = coalesce((probe ->> 'amount')::numeric, u.amount)
      and (probe ->> 'psp' is null or u.psp = probe ->> 'psp')
      and probe -> 'states' ? u.state
      and (probe -> 'refusal' is null or u.decline_class = probe #>> '{refusal,declineClass}'
        or probe #> '{refusal,codes}' ? u.network_code or probe #> '{refusal,adviceCodes}' ? u.advice_code)
      and (u.payment, u.number) <> (wish ->> 'payment', (wish ->> 'number')::smallint);
    tallies := tallies || tally;
  end loop;
  if wish ->> 'cardId' is not null then
    insert into payments.card (id) values ((wish ->> 'cardId')::uuid) on conflict do nothing;
    insert into payments.card_token (player_id, psp, token, card_id)
    select (wish ->> 'playerId')::uuid, t ->> 'psp', t ->> 'token', (wish ->> 'cardId')::uuid
    from jsonb_array_elements(wish -> 'tokens') t
    on conflict do nothing;
  end if;
  insert into payments.payment_use (subject, payment, number, flow, method, asset, amount, psp, card_id, used_at)
  select s, wish ->> 'payment', (wish ->> 'number')::smallint, wish ->> 'flow', wish ->> 'method', wish ->> 'asset',
    (wish ->> 'amount')::numeric, wish ->> 'psp', (wish ->> 'cardId')::uuid, at
  from jsonb_array_elements_text(wish -> 'subjects') s
  on conflict do nothing;
  return tallies;
end
$$;

-- What a PSP told of an attempt: the outcome of its uses, and whose card it was.
create function payments.settle_uses() returns trigger language plpgsql as $$
declare
  paid text := 'deposit:' || new.deposit_id;
  own uuid;
  known uuid;
begin
  if new.state <> old.state then
    update payments.payment_use set
      state = case
        when new.state in ('approved', 'late_approved') then 'approved'
        when new.state = 'declined' and new.sent_at is not null then 'declined'
        when new.state in ('declined', 'not_sent', 'cancelled') then 'void'
        else state end,
      decline_class = new.decline_class, network_code = new.network_code, advice_code = new.advice_code
    where payment = paid and number = new.number;
  end if;
  if new.card_fingerprint is null or old.card_fingerprint is not null then return new; end if;
  select card_id into own from payments.payment_use where payment = paid and number = new.number and card_id is not null limit 1;
  if own is null then return new; end if;
  insert into payments.card_fingerprint (fingerprint, card_id) values (new.card_fingerprint, own) on conflict do nothing;
  select card_id into known from payments.card_fingerprint where fingerprint = new.card_fingerprint;
  update payments.card set network = coalesce(network, new.card_network), bin = coalesce(bin, new.card_bin),
    country = coalesce(country, new.card_country)
  where id = known and (network is null or bin is null or country is null);
  if known = own then return new; end if;
  if not exists (select from payments.card_fingerprint where card_id = own) then
    -- So far it was known by its tokens only: everything of it belongs to the card that was there before.
    update payments.card_token set card_id = known where card_id = own;
    update payments.payment_use set card_id = known
    where card_id = own and payment in (select payment from payments.payment_use where subject = 'card:' || own);
    insert into payments.payment_use
    select 'card:' || known, payment, number, flow, method, asset, amount, psp, known, state, decline_class, network_code,
      advice_code, used_at
    from payments.payment_use where subject = 'card:' || own
    on conflict do nothing;
    delete from payments.payment_use where subject = 'card:' || own;
    update payments.list_entry set key = known::text where kind = 'card' and key = own::text and ended_at is null;
  else
    -- Two cards under one name: both are counted.
    insert into payments.payment_use
    select 'card:' || known, payment, number, flow, method, asset, amount, psp, known, state, decline_class, network_code,
      advice_code, used_at
    from payments.payment_use where subject = 'card:' || own and payment = paid
    on conflict do nothing;
  end if;
  return new;
end
$$;
create trigger attempt_uses after update on payments.attempt for each row
  when (new.state <> old.state or new.card_fingerprint is distinct from old.card_fingerprint)
  execute function payments.settle_uses();

-- Payments without attempts at a PSP: their own state says whether the sums come back.
create function payments.settle_payment_use() returns trigger language plpgsql as $$
begin
  update payments.payment_use set
    state = case when new.state in ('captured', 'paid') then 'approved' else 'void' end
  where payment = tg_argv[0] || ':' || new.id;
  return new;
end
$$;
create trigger deposit_uses after update of state on payments.deposit for each row
  when (new.method not in ('card', 'e-wallet') and new.state <> old.state and new.state in ('captured', 'failed'))
  execute function payments.settle_payment_use('deposit');
create trigger withdrawal_uses after update of state on payments.withdrawal for each row
  when (new.state <> old.state and new.state in ('paid', 'refused', 'cancelled'))
  execute function payments.settle_payment_use('withdrawal');

-- Everything that limits, lists and routing rules want to know of who pays, in one question with a remembered plan.
create function payments.facts_of_payer(payer uuid, signed_in uuid, address inet, tokens text[], more jsonb)
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
      'country', c.country, 'isKnown', c.is_known) order by c.is_known desc, c.id) from cards c), '[]'),
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
