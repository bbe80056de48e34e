create materialized view if not exists ledger_entry_from_event to ledger_entry as
select
  occurred_at,
  brand,
  JSONExtractString(payload, 'asset') as asset,
  JSONExtractString(payload, 'code') as code,
  JSONExtractString(entry, 'account') as account,
  if(JSONType(entry, 'playerId') = 'String', toUUID(JSONExtractString(entry, 'playerId')), null) as player_id,
  JSONExtractString(payload, 'game') as game,
  toUUID(JSONExtractString(payload, 'journalId')) as journal_id,
  toInt256(JSONExtractString(entry, 'units')) as units
from event
array join JSONExtractArrayRaw(payload, 'entries') as entry
where type = 'wallet.journal.posted'
