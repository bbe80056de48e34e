-- The guard of what a payment's row is about, as in 0013, but each row becomes JSON once and not once for each name: of an
-- attempt with its forty columns that was 1.5 ms for every update, and a deposit makes eight of them.
create or replace function payments.refuse_other_content() returns trigger language plpgsql as $$
declare
  was jsonb;
  becomes jsonb;
begin
  if tg_op = 'DELETE' then
    raise exception '%.% keeps its rows', tg_table_schema, tg_table_name using errcode = 'integrity_constraint_violation';
  end if;
  was := to_jsonb(old);
  becomes := to_jsonb(new);
  if exists (select from unnest(string_to_array(tg_argv[0], ' ')) as name where was -> name is distinct from becomes -> name) then
    raise exception 'what %.% is about cannot change', tg_table_schema, tg_table_name
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;

-- As in 0028, but an attempt that is still open leaves its uses as they are: they were written anew with what they said.
create or replace function payments.settle_uses() returns trigger language plpgsql as $$
declare
  paid text := 'deposit:' || new.deposit_id;
  own uuid;
  known uuid;
begin
  if new.state <> old.state and new.state not in ('pending', 'action', 'unknown') then
    update payments.payment_use set
      state = case
        when new.state in ('approved', 'late_approved') then 'approved'
        when new.state = 'declined' and new.sent_at is not null then 'declined'
        when new.state in ('declined', 'not_sent', 'cancelled') then 'void'
        else state end,
      decline_class = new.decline_class, network_code = new.network_code, advice_code = new.advice_code
    where payment = paid and number = new.number;
  end if;
  if new.card_fingerprint is null or old.card_fingerprint is not null then return new; end if;
  select card_id into own from payments.payment_use where payment = paid and number = new.number and card_id is not null limit 1;
  if own is null then return new; end if;
  insert into payments.card_fingerprint (fingerprint, card_id) values (new.card_fingerprint, own) on conflict do nothing;
  select card_id into known from payments.card_fingerprint where fingerprint = new.card_fingerprint;
  update payments.card set network = coalesce(network, new.card_network), bin = coalesce(bin, new.card_bin),
    country = coalesce(country, new.card_country)
  where id = known and (network is null or bin is null or country is null);
  if known = own then return new; end if;
  if not exists (select from payments.card_fingerprint where card_id = own) then
    -- So far it was known by its tokens only: everything of it belongs to the card that was there before.
    update payments.card_token set card_id = known where card_id = own;
    update payments.payment_use set card_id = known
    where card_id = own and payment in (select payment from payments.payment_use where subject = 'card:' || own);
    insert into payments.payment_use
    select 'card:' || known, payment, number, flow, method, asset, amount, psp, known, state, decline_class, network_code,
      advice_code, used_at
    from payments.payment_use where subject = 'card:' || own
    on conflict do nothing;
    delete from payments.payment_use where subject = 'card:' || own;
    update payments.list_entry set key = known::text where kind = 'card' and key = own::text and ended_at is null;
  else
    -- Two cards under one name: both are counted.
    insert into payments.payment_use
    select 'card:' || known, payment, number, flow, method, asset, amount, psp, known, state, decline_class, network_code,
      advice_code, used_at
    from payments.payment_use where subject = 'card:' || own and payment = paid
    on conflict do nothing;
  end if;
  return new;
end
$$;
