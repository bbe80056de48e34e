-- Fed by the facts themselves and not by ledger_entry: a repeated block meets one deduplication step, not two.
create materialized view if not exists ledger_minute_from_event to ledger_minute as
select
  toStartOfMinute(toDateTime(occurred_at, 'UTC')) as minute,
  brand,
  JSONExtractString(payload, 'asset') as asset,
  JSONExtractString(payload, 'code') as code,
  if(JSONType(entry, 'playerId') = 'String', 'player', 'house') as side,
  JSONExtractString(entry, 'account') as account,
  JSONExtractString(payload, 'game') as game,
  sum(greatest(toInt256(JSONExtractString(entry, 'units')), toInt256(0))) as credits,
  sum(least(toInt256(JSONExtractString(entry, 'units')), toInt256(0))) as debits,
  count() as entries
from event
array join JSONExtractArrayRaw(payload, 'entries') as entry
where type = 'wallet.journal.posted'
group by minute, brand, asset, code, side, account, game
