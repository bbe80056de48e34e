-- Crypto on EVM chains: addresses of players, what was seen on a chain and credited, and what we sign and send.
-- Amounts are units at ledger scale; `raw_amount` is the chain's own integer. Addresses carry their checksum (EIP-55).

create procedure payments.allow_more(target regclass, constraint_name text, column_name text, more text[]) language plpgsql as $$
declare
  before text;
begin
  select substring(pg_get_constraintdef(oid) from '^CHECK \((.*)\)$') into strict before
    from pg_constraint where conrelid = target and conname = constraint_name;
  execute format('alter table %s drop constraint %I', target, constraint_name);
  execute format('alter table %s add constraint %I check ((%s) or %I = any (%L::text[]))',
    target, constraint_name, before, column_name, more);
end
$$;
call payments.allow_more('payments.instrument', 'instrument_kind_check', 'kind', '{crypto-address}');
call payments.allow_more('payments.deposit', 'deposit_method_check', 'method', '{crypto}');
call payments.allow_more('payments.work_item', 'work_item_kind_check', 'kind',
  '{parked-crypto-deposit,orphaned-credit,hot-wallet-level,stuck-chain-transfer}');
drop procedure payments.allow_more;

create domain payments.evm_address as text check (value ~ '^0x[0-9a-fA-F]{40}$');
create domain payments.evm_hash as text check (value ~ '^0x[0-9a-f]{64}$');

-- One address per player and chain. The private half of `key_id` is the signer's alone.
create table payments.crypto_address (
  chain text not null,
  address payments.evm_address not null,
  -- Of the extended public key that it was derived from, and where below it.
  key_id text not null,
  derivation_index integer not null check (derivation_index >= 0),
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  issued_at timestamptz not null default now(),
  primary key (chain, address),
  unique (chain, key_id, derivation_index),
  unique (chain, key_id, player_id)
);
call compliance.make_append_only('payments.crypto_address');

-- Up to where a chain was read; the next block must be the child of this one.
create table payments.chain_cursor (
  chain text primary key,
  height bigint not null check (height >= 0),
  hash payments.evm_hash not null,
  moved_at timestamptz not null default now()
);

-- The last blocks that were read, to find where a reorganisation began.
create table payments.chain_block (
  chain text not null,
  height bigint not null,
  hash payments.evm_hash not null,
  primary key (chain, height)
);

create table payments.crypto_deposit (
  id uuid primary key,
  chain text not null,
  tx_hash payments.evm_hash not null,
  -- -1 for a transfer of the chain's own coin, which leaves no log.
  log_index integer not null check (log_index >= -1),
  address payments.evm_address not null,
  player_id uuid not null,
  brand text not null,
  jurisdiction text not null,
  asset text not null references wallet.asset,
  contract payments.evm_address,
  raw_amount numeric(78, 0) not null check (raw_amount > 0),
  amount numeric(38, 0) not null check (amount >= 0),
  -- Blocks that must stand on it, its own included, and the table that said so.
  depth_required integer not null check (depth_required > 0),
  policy_version integer not null,
  -- Where it stands in the chain now; null while no block of the chain holds it.
  block_height bigint,
  block_hash payments.evm_hash,
  state text not null default 'seen' check (state in ('seen', 'confirming', 'credited', 'orphaned', 'parked', 'dropped')),
  reason text,
  seen_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  unique (chain, tx_hash, log_index),
  foreign key (chain, address) references payments.crypto_address,
  check ((block_height is null) = (block_hash is null))
);
create index crypto_deposit_by_player on payments.crypto_deposit (player_id, seen_at desc, id desc);
create index crypto_deposit_open on payments.crypto_deposit (seen_at) where state in ('seen', 'confirming', 'parked', 'orphaned');
create index crypto_deposit_by_block on payments.crypto_deposit (chain, block_height);
create trigger crypto_deposit_states before update on payments.crypto_deposit for each row execute function payments.guard_state(
  'seen>confirming confirming>seen seen>credited confirming>credited seen>parked confirming>parked seen>dropped parked>seen parked>credited parked>dropped credited>orphaned orphaned>confirming orphaned>credited orphaned>parked orphaned>dropped dropped>confirming dropped>credited dropped>parked');
create trigger crypto_deposit_content before update or delete on payments.crypto_deposit for each row execute function
  payments.refuse_other_content('id chain tx_hash log_index address player_id brand jurisdiction asset contract raw_amount amount depth_required policy_version seen_at');

-- Each time a transfer was credited: again only after the chain had taken it back.
create table payments.crypto_credit (
  crypto_deposit_id uuid not null references payments.crypto_deposit,
  number integer not null check (number > 0),
  deposit_id uuid not null unique references payments.deposit,
  -- Canonical when it was credited.
  block_hash payments.evm_hash not null,
  credited_at timestamptz not null default now(),
  reversed_at timestamptz,
  primary key (crypto_deposit_id, number)
);
create unique index crypto_credit_standing on payments.crypto_credit (crypto_deposit_id) where reversed_at is null;
create trigger crypto_credit_content before update or delete on payments.crypto_credit for each row execute function
  payments.refuse_other_content('crypto_deposit_id number deposit_id block_hash credited_at');

-- A place that a player withdraws to. A new one rests before money may leave for it.
create table payments.crypto_destination (
  instrument_id uuid primary key references payments.instrument,
  chain text not null,
  address payments.evm_address not null,
  usable_from timestamptz not null
);
call compliance.make_append_only('payments.crypto_destination');

-- Nonces are given out under a lock of this row, one after the other, without gaps.
create table payments.chain_account (
  chain text not null,
  address payments.evm_address not null,
  next_nonce bigint not null check (next_nonce >= 0),
  primary key (chain, address)
);

create table payments.chain_transfer (
  id uuid primary key default gen_random_uuid(),
  -- Of what it is for: a payout attempt's own reference, a sweep's.
  reference text not null unique,
  purpose text not null check (purpose in ('payout', 'gas', 'sweep')),
  chain text not null,
  from_address payments.evm_address not null,
  -- Null for the hot wallet.
  derivation_index integer,
  to_address payments.evm_address not null,
  asset text not null,
  contract payments.evm_address,
  raw_amount numeric(78, 0) not null check (raw_amount > 0),
  state text not null default 'queued' check (state in ('queued', 'signed', 'confirmed', 'reverted', 'refused')),
  nonce bigint,
  tx_hash payments.evm_hash,
  block_hash payments.evm_hash,
  -- Wei.
  fee_paid numeric(78, 0),
  reason text,
  queued_at timestamptz not null default now(),
  closed_at timestamptz,
  unique (chain, from_address, nonce),
  check ((nonce is null) = (state in ('queued', 'refused'))),
  check ((state in ('confirmed', 'reverted')) = (tx_hash is not null)),
  check ((state in ('confirmed', 'reverted', 'refused')) = (closed_at is not null))
);
create index chain_transfer_open on payments.chain_transfer (chain, from_address, queued_at) where closed_at is null;
create trigger chain_transfer_states before update on payments.chain_transfer for each row execute function payments.guard_state(
  'queued>signed queued>refused signed>confirmed signed>reverted');
create trigger chain_transfer_content before update or delete on payments.chain_transfer for each row execute function
  payments.refuse_other_content('id reference purpose chain from_address derivation_index to_address asset contract raw_amount queued_at');

-- The bytes as they go out, kept before they do: a lost answer is followed by the same bytes, never by others.
-- A higher fee is another row of the same nonce, and any of them may be the one that is mined.
create table payments.chain_signature (
  tx_hash payments.evm_hash primary key,
  transfer_id uuid not null references payments.chain_transfer,
  number smallint not null check (number between 1 and 50),
  raw text not null check (raw ~ '^0x[0-9a-f]+$'),
  max_fee_per_gas numeric(78, 0) not null,
  max_priority_fee_per_gas numeric(78, 0) not null,
  signed_at timestamptz not null default now(),
  broadcast_at timestamptz,
  broadcasts integer not null default 0,
  unique (transfer_id, number)
);
create trigger chain_signature_content before update or delete on payments.chain_signature for each row execute function
  payments.refuse_other_content('tx_hash transfer_id number raw max_fee_per_gas max_priority_fee_per_gas signed_at');
