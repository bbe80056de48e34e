-- What rules decided, one row per decision, with the inputs as they were seen: what a new version is tried on.
create table if not exists rule_decision (
  decided_at DateTime64(6, 'UTC'),
  brand LowCardinality(String),
  rule_set LowCardinality(String),
  rule_version_id UUID,
  payment_id UUID,
  player_id Nullable(UUID),
  -- What the volume was split by; unique within a rule set.
  seed String,
  row_name Nullable(String),
  result Array(String),
  -- JSON; what was not known is left out.
  inputs String
) engine = MergeTree
partition by toYYYYMM(decided_at)
order by (rule_set, brand, decided_at, seed)
settings non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
