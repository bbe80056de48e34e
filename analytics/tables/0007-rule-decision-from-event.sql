create materialized view if not exists rule_decision_from_event to rule_decision as
select
  occurred_at as decided_at,
  brand,
  JSONExtractString(decision, 'ruleSet') as rule_set,
  toUUID(JSONExtractString(decision, 'ruleVersionId')) as rule_version_id,
  toUUID(JSONExtractString(payload, 'paymentId')) as payment_id,
  player_id,
  JSONExtractString(decision, 'seed') as seed,
  JSONExtract(decision, 'row', 'Nullable(String)') as row_name,
  JSONExtract(decision, 'result', 'Array(String)') as result,
  JSONExtractRaw(payload, 'inputs') as inputs
from event
array join JSONExtractArrayRaw(payload, 'decisions') as decision
where type = 'payments.decision.recorded'
