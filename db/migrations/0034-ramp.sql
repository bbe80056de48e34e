-- Limits and lists of crypto: who sent a transfer, and by what key an own address is looked up. Quotes of the on- and
-- off-ramp: a promise of a rate that is kept once or runs out. Amounts are units at ledger scale.

alter table payments.crypto_deposit add column sender payments.evm_address;
drop trigger crypto_deposit_content on payments.crypto_deposit;
create trigger crypto_deposit_content before update or delete on payments.crypto_deposit for each row execute function
  payments.refuse_other_content('id chain tx_hash log_index address sender player_id brand jurisdiction asset contract raw_amount amount depth_required policy_version seen_at');

-- Keyed hash, in hex, as lists hold it. Of addresses that were kept before, null: they are refused until kept anew.
alter table payments.instrument add column list_key text check (list_key ~ '^[0-9a-f]{64}$');

-- A ramp changes money that is here already, so rules of deposits and withdrawals do not count it a second time.
alter table payments.payment_rule drop constraint payment_rule_flow_check;
alter table payments.payment_rule add constraint payment_rule_flow_check check (flow in ('deposit', 'withdrawal', 'ramp'));
alter table payments.payment_use drop constraint payment_use_flow_check;
alter table payments.payment_use add constraint payment_use_flow_check check (flow in ('deposit', 'withdrawal', 'ramp'));

do $$
declare
  before text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict before
    from pg_constraint where conrelid = 'payments.work_item'::regclass and conname = 'work_item_kind_check';
  alter table payments.work_item drop constraint work_item_kind_check;
  execute format('alter table payments.work_item add constraint work_item_kind_check check ((%s) or kind = ''listed-ramp'')', before);
end
$$;

-- What a brand asks for a ramp, as versions: the highest is in force. Without a row the brand has no ramp.
create table payments.ramp_terms (
  brand text not null references pam.brand,
  version integer not null check (version > 0),
  lifetime_s integer not null check (lifetime_s between 5 and 600),
  -- Of what the market's rate gives, kept by the house.
  on_ramp_spread_bps integer not null check (on_ramp_spread_bps between 0 and 2000),
  off_ramp_spread_bps integer not null check (off_ramp_spread_bps between 0 and 2000),
  is_active boolean not null,
  author text not null check (author like 'operator:%' or (author = 'system:seed' and version = 1)),
  reason text not null check (length(reason) between 1 and 500),
  -- Made from the operator and the idempotency key.
  request_id uuid unique,
  fingerprint bytea,
  created_at timestamptz not null default now(),
  primary key (brand, version)
);
call compliance.make_append_only('payments.ramp_terms');

create table payments.ramp_quote (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  direction text not null check (direction in ('on-ramp', 'off-ramp')),
  pay_asset text not null references wallet.asset,
  pay numeric(38, 0) not null check (pay > 0),
  receive_asset text not null references wallet.asset,
  receive numeric(38, 0) not null check (receive > 0),
  -- What the market's rate would give more; of the received asset.
  spread numeric(38, 0) not null check (spread >= 0),
  spread_bps integer not null check (spread_bps between 0 and 2000),
  terms_version integer not null,
  -- The published rate that it was made of, and the player's own, with the spread in it.
  rate_id uuid not null references wallet.rate,
  market_rate text not null,
  rate text not null,
  rate_source text not null,
  rate_quoted_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'accepted', 'expired', 'cancelled')),
  fingerprint bytea not null,
  quoted_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  closed_at timestamptz,
  -- Made from the player and the key of the acceptance: one key accepts one quote.
  accept_key uuid unique,
  -- Both legs are the one journal of this exchange; its id is the quote's, so a quote cannot be carried out twice.
  exchange_id uuid unique references wallet.exchange check (exchange_id = id),
  foreign key (brand, terms_version) references payments.ramp_terms (brand, version),
  check (pay_asset <> receive_asset),
  check (expires_at > quoted_at),
  check ((state = 'open') = (closed_at is null)),
  check ((state = 'accepted') = (accept_key is not null) and (state = 'accepted') = (exchange_id is not null)),
  -- The database's clock: accepted in time, expired not before.
  check (state <> 'accepted' or closed_at < expires_at),
  check (state <> 'expired' or closed_at >= expires_at)
);
create index ramp_quote_by_player on payments.ramp_quote (player_id, quoted_at desc, id desc);
create index ramp_quote_by_time on payments.ramp_quote (brand, quoted_at desc, id desc);
create index ramp_quote_open on payments.ramp_quote (expires_at) where state = 'open';
create trigger ramp_quote_states before update on payments.ramp_quote for each row execute function payments.guard_state(
  'open>accepted open>expired open>cancelled');
create trigger ramp_quote_content before update or delete on payments.ramp_quote for each row execute function
  payments.refuse_other_content('id player_id brand jurisdiction direction pay_asset pay receive_asset receive spread spread_bps terms_version rate_id market_rate rate rate_source rate_quoted_at fingerprint quoted_at expires_at');
