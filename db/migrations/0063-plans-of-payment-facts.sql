-- What is asked about a payer is planned once per connection. These functions look for one payer, one card and one address
-- by their keys, so that no plan is better for one than for another, and planning them anew costs ten times what they do:
-- without this each connection plans its first five calls for their own values.
alter function payments.facts_of_payer(uuid, uuid, inet, text[], jsonb) set plan_cache_mode = force_generic_plan;
alter function risk.facts_of_payment(uuid, inet, text, numeric) set plan_cache_mode = force_generic_plan;
alter function payments.take_uses(jsonb) set plan_cache_mode = force_generic_plan;
