-- The ledger's entries, exact: integer units at the asset's ledger scale, credit positive.
create table if not exists ledger_entry (
  occurred_at DateTime64(6, 'UTC'),
  brand LowCardinality(String),
  asset LowCardinality(String),
  code LowCardinality(String),
  account LowCardinality(String),
  player_id Nullable(UUID),
  game LowCardinality(String),
  journal_id UUID,
  units Int256
) engine = MergeTree
partition by toYYYYMM(occurred_at)
order by (brand, asset, account, code, occurred_at, journal_id)
settings non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
