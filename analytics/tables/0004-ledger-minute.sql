-- Sums per minute: what dashboards read. Credits and debits apart, since a rollback shows as the other side.
create table if not exists ledger_minute (
  minute DateTime('UTC'),
  brand LowCardinality(String),
  asset LowCardinality(String),
  code LowCardinality(String),
  side LowCardinality(String),
  account LowCardinality(String),
  game LowCardinality(String),
  credits SimpleAggregateFunction(sum, Int256),
  -- Zero or negative.
  debits SimpleAggregateFunction(sum, Int256),
  entries SimpleAggregateFunction(sum, UInt64)
) engine = AggregatingMergeTree
partition by toYYYYMM(minute)
order by (brand, asset, minute, code, side, account, game)
settings non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
