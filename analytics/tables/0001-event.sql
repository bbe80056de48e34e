-- Every fact, as it left the outbox. Corrections are new facts, never updates: a view sees each insert once.
create table if not exists event (
  event_id UUID,
  type LowCardinality(String),
  version UInt8,
  brand LowCardinality(String),
  player_id Nullable(UUID),
  occurred_at DateTime64(6, 'UTC'),
  xid UInt64,
  id UInt64,
  payload String
) engine = MergeTree
partition by toYYYYMM(occurred_at)
order by (type, brand, occurred_at, event_id)
settings non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
