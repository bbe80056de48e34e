-- Holds, money that goes back, corrections under four eyes, exchanges between assets, and balances at an instant.

-- An asset in use never changes: every amount in the ledger is counted in its scale.
alter table wallet.asset
  add check (kind = 'crypto' or network is null),
  add check (payable_scale >= 0);

create function wallet.refuse_asset_change() returns trigger language plpgsql as $$
begin
  raise exception 'asset % keeps its scales', old.code using errcode = 'integrity_constraint_violation';
end
$$;
create trigger asset_fixed before update or delete on wallet.asset
  for each row execute function wallet.refuse_asset_change();

-- A hold is the law of its own money; the pool `held` is the sum of them and of pending withdrawals.
create table wallet.hold (
  id uuid primary key,
  player_id uuid not null,
  asset text not null,
  brand text not null,
  amount numeric(38, 0) not null check (amount > 0),
  captured numeric(38, 0) not null default 0 check (captured >= 0),
  released numeric(38, 0) not null default 0 check (released >= 0),
  state text not null default 'open' check (state in ('open', 'captured', 'released', 'expired')),
  reason text not null check (length(reason) between 1 and 60),
  -- {noun}:{id} of what the money is held for, where there is such a thing
  subject text,
  note text not null check (length(note) between 1 and 500),
  -- The one account that captures go to; chosen when the hold is placed.
  capture_to text not null,
  -- operator:{id}, workflow:{id} or system:{process}
  placed_by text not null,
  fingerprint bytea not null,
  placed_at timestamptz not null default now(),
  expires_at timestamptz not null check (expires_at > placed_at),
  closed_at timestamptz,
  foreign key (player_id, asset) references wallet.player_wallet (player_id, asset),
  check (captured + released <= amount),
  check ((state = 'open') = (captured + released < amount)),
  check ((state = 'open') = (closed_at is null)),
  check (state <> 'captured' or captured = amount),
  check (state not in ('released', 'expired') or released > 0)
);
create index hold_by_player on wallet.hold (player_id, placed_at desc, id desc);
create index hold_open on wallet.hold (expires_at) where state = 'open';

create function wallet.guard_hold() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'holds are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.player_id, new.asset, new.brand, new.amount, new.reason, new.note, new.capture_to, new.placed_by,
      new.fingerprint, new.placed_at, new.expires_at)
     is distinct from
     (old.id, old.player_id, old.asset, old.brand, old.amount, old.reason, old.note, old.capture_to, old.placed_by,
      old.fingerprint, old.placed_at, old.expires_at)
     or new.subject is distinct from old.subject then
    raise exception 'what hold % is about cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if old.state <> 'open' then
    raise exception 'hold % is %', old.id, old.state using errcode = 'integrity_constraint_violation';
  end if;
  if new.captured < old.captured or new.released < old.released then
    raise exception 'hold % gives nothing back', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.captured > old.captured and clock_timestamp() >= old.expires_at then
    raise exception 'hold % has run out', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if new.state = 'expired' and clock_timestamp() < old.expires_at then
    raise exception 'hold % has not run out', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger hold_guarded before update or delete on wallet.hold
  for each row execute function wallet.guard_hold();

create table wallet.hold_capture (
  id uuid primary key,
  hold_id uuid not null references wallet.hold,
  amount numeric(38, 0) not null check (amount > 0),
  captured_by text not null,
  journal_id uuid not null unique references wallet.journal,
  captured_at timestamptz not null default now()
);
create index hold_capture_by_hold on wallet.hold_capture (hold_id, captured_at);
call compliance.make_append_only('wallet.hold_capture');

-- Two people stand between a player's money and the house: one holds it, another one takes it.
create function wallet.check_hold_capture() returns trigger language plpgsql as $$
begin
  if new.captured_by like 'operator:%'
     and exists (select 1 from wallet.hold where id = new.hold_id and placed_by = new.captured_by) then
    raise exception 'nobody captures a hold of his own' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger hold_capture_checked before insert on wallet.hold_capture
  for each row execute function wallet.check_hold_capture();

-- Refunds and chargebacks answer the capture they take from. Partial, so that a bet pays nothing for them.
create index journal_clawbacks on wallet.journal (answers) where code in ('deposit.refund', 'chargeback.open');
create unique index journal_chargeback_ended_once on wallet.journal (answers)
  where code in ('chargeback.lose', 'chargeback.win');

-- The second half of a paired assertion. The statement that wrote the row holds the player's wallet, so no other
-- claim on the same capture can be under way.
create function wallet.refuse_excess_clawback() returns trigger language plpgsql as $$
declare
  brought numeric(38, 0);
begin
  select amount into brought from wallet.journal
  where id = new.answers and code = 'deposit.capture' and player_id = new.player_id and asset = new.asset;
  if brought is null or brought < (
    select sum(c.amount) from wallet.journal c
    where c.answers = new.answers and c.code in ('deposit.refund', 'chargeback.open')
      and not exists (select 1 from wallet.journal w where w.reverses = c.id)
  ) then
    raise exception 'more would go back than the deposit brought' using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;
create trigger clawback_capped after insert on wallet.journal
  for each row when (new.code in ('deposit.refund', 'chargeback.open'))
  execute function wallet.refuse_excess_clawback();

-- The closed list of reasons for corrections; `domain/wallet/adjustments.ts` is held against it by a test.
create table wallet.adjustment_reason (
  code text primary key,
  title text not null,
  directions text[] not null check (directions <@ array['credit', 'debit'] and cardinality(directions) > 0),
  may_owe boolean not null
);
insert into wallet.adjustment_reason (code, title, directions, may_owe) values
  ('goodwill', 'Goodwill', '{credit}', false),
  ('error-correction', 'Correction of an error', '{credit,debit}', true),
  ('game-correction', 'Correction of a game result', '{credit,debit}', true),
  ('payment-correction', 'Correction of a payment', '{credit}', false),
  ('complaint-settlement', 'Settlement of a complaint', '{credit}', false),
  ('debt-write-off', 'A debt written off', '{credit}', false),
  ('residue-write-off', 'A rest too small to pay', '{debit}', false),
  ('fraud-recovery', 'Recovery after fraud', '{debit}', true);
call compliance.make_append_only('wallet.adjustment_reason');

create table wallet.adjustment (
  id uuid primary key,
  player_id uuid not null,
  asset text not null,
  brand text not null,
  direction text not null check (direction in ('credit', 'debit')),
  amount numeric(38, 0) not null check (amount > 0),
  reason_code text not null references wallet.adjustment_reason,
  note text not null check (length(note) between 10 and 500),
  state text not null default 'requested' check (state in ('requested', 'posted', 'refused')),
  -- SHA-256 of what is to be posted; the decision repeats it.
  content_hash bytea not null check (octet_length(content_hash) = 32),
  fingerprint bytea not null,
  requested_by uuid not null,
  requested_at timestamptz not null default now(),
  decided_by uuid,
  -- The roles held at that moment; the amount lies in their band.
  decided_roles text[],
  decided_hash bytea,
  decision_note text check (length(decision_note) between 1 and 500),
  decided_at timestamptz,
  journal_id uuid unique references wallet.journal,
  foreign key (player_id, asset) references wallet.player_wallet (player_id, asset),
  check (requested_by <> player_id),
  check (decided_by <> requested_by and decided_by <> player_id),
  check (decided_hash = content_hash),
  check ((state = 'requested') = (decided_by is null)),
  check (num_nulls(decided_by, decided_roles, decided_hash, decision_note, decided_at) in (0, 5)),
  check ((state = 'posted') = (journal_id is not null))
);
create index adjustment_by_player on wallet.adjustment (player_id, requested_at desc, id desc);
create index adjustment_open on wallet.adjustment (requested_at, id) where state = 'requested';

create function wallet.guard_adjustment() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'adjustments are kept' using errcode = 'integrity_constraint_violation';
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'requested' then
      raise exception 'an adjustment begins as a request' using errcode = 'integrity_constraint_violation';
    end if;
    if not exists (select 1 from wallet.adjustment_reason where code = new.reason_code and new.direction = any (directions)) then
      raise exception 'the reason % is not one for a %', new.reason_code, new.direction
        using errcode = 'integrity_constraint_violation';
    end if;
    return new;
  end if;
  if old.state <> 'requested' or new.state not in ('posted', 'refused') then
    raise exception 'adjustment % cannot go from % to %', old.id, old.state, new.state
      using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.player_id, new.asset, new.brand, new.direction, new.amount, new.reason_code, new.note,
      new.content_hash, new.fingerprint, new.requested_by, new.requested_at)
     is distinct from
     (old.id, old.player_id, old.asset, old.brand, old.direction, old.amount, old.reason_code, old.note,
      old.content_hash, old.fingerprint, old.requested_by, old.requested_at) then
    raise exception 'what adjustment % is about cannot change', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger adjustment_guarded before insert or update or delete on wallet.adjustment
  for each row execute function wallet.guard_adjustment();

-- Rates as they were quoted: exact text, a decimal or a fraction. The newest of a pair is in force until it runs out.
create table wallet.rate (
  id uuid primary key,
  sold_asset text not null references wallet.asset,
  bought_asset text not null references wallet.asset,
  -- Whole units bought for one whole unit sold.
  rate text not null check (rate ~ '^(\d{1,20}(\.\d{1,18})?|\d{1,38}/\d{1,38})$'),
  source text not null check (length(source) between 1 and 100),
  quoted_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > quoted_at),
  published_by text not null,
  published_at timestamptz not null default now(),
  fingerprint bytea not null,
  check (sold_asset <> bought_asset)
);
create index rate_newest on wallet.rate (sold_asset, bought_asset, published_at desc);
call compliance.make_append_only('wallet.rate');

-- One row per exchange. Its journal has lines in both assets and is kept under the sold one.
create table wallet.exchange (
  id uuid primary key,
  player_id uuid not null,
  brand text not null,
  sold_asset text not null,
  sold numeric(38, 0) not null check (sold > 0),
  bought_asset text not null,
  bought numeric(38, 0) not null check (bought > 0),
  rate text not null,
  rate_source text not null,
  quoted_at timestamptz not null,
  journal_id uuid not null unique references wallet.journal,
  fingerprint bytea not null,
  made_at timestamptz not null default now(),
  foreign key (player_id, sold_asset) references wallet.player_wallet (player_id, asset),
  foreign key (player_id, bought_asset) references wallet.player_wallet (player_id, asset),
  check (sold_asset <> bought_asset)
);
create index exchange_by_player on wallet.exchange (player_id, made_at desc, id desc);
call compliance.make_append_only('wallet.exchange');

-- How many entries an account had before an instant, which is also the seq of the last of them. Time is the journal's
-- occurred_at. It never falls along a chain, because an entry is decided on the one before it; so this halves the chain
-- with some twenty probes of the primary keys instead of asking for an index on time, which every bet would pay for.
create function wallet.seq_before(of_player uuid, in_asset text, on_account text, instant timestamptz)
returns bigint language plpgsql stable parallel safe as $$
declare
  low bigint := 0;
  high bigint;
  middle bigint;
begin
  select coalesce((select e.seq from wallet.entry e
    where e.player_id = of_player and e.asset = in_asset and e.account = on_account order by e.seq desc limit 1), 0)
  into high;
  while low < high loop
    middle := (low + high + 1) / 2;
    if (select j.occurred_at < instant from wallet.entry e join wallet.journal j on j.id = e.journal_id
        where e.player_id = of_player and e.asset = in_asset and e.account = on_account and e.seq = middle) then
      low := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  return low;
end
$$;
