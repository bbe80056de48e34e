-- Cards of the vault: ciphertext, and of the number in the clear what the card rules allow to be shown.
create table card (
  token text primary key check (token ~ '^vt_[a-zA-Z]{26}$'),
  -- AES-256-GCM of the number under a data key of this row's own; the token is its additional data.
  nonce bytea not null check (length(nonce) = 12),
  ciphertext bytea not null check (length(ciphertext) between 1 and 64),
  tag bytea not null check (length(tag) = 16),
  -- The data key, wrapped by the key-encryption key that `key_id` names.
  wrapped_key bytea not null check (length(wrapped_key) between 32 and 1024),
  key_id text not null,
  brand text not null,
  -- Eight digits of a number of sixteen or more, otherwise six.
  bin text not null check (bin ~ '^[0-9]{6}([0-9]{2})?$'),
  last4 text not null check (last4 ~ '^[0-9]{4}$'),
  expiry_month smallint not null check (expiry_month between 1 and 12),
  expiry_year smallint not null check (expiry_year between 2000 and 2099),
  -- Keyed, so that nobody without the key can try numbers against it (PCI DSS 3.5.1.1).
  fingerprint text not null,
  fingerprint_key_id text not null,
  created_at timestamptz not null default now()
);

create index card_fingerprint on card (fingerprint_key_id, fingerprint);
create index card_key on card (key_id);

-- A rotation wraps the data key anew and may compute the fingerprint anew; everything else of a card stays as it was.
create function refuse_other_content() returns trigger language plpgsql as $$
begin
  if (new.token, new.nonce, new.ciphertext, new.tag, new.brand, new.bin, new.last4, new.expiry_month,
      new.expiry_year, new.created_at)
     is distinct from
     (old.token, old.nonce, old.ciphertext, old.tag, old.brand, old.bin, old.last4, old.expiry_month,
      old.expiry_year, old.created_at)
  then
    raise exception 'a card does not change' using errcode = '23514';
  end if;
  return new;
end $$;

create trigger card_content before update on card for each row execute function refuse_other_content();

grant select, insert, delete on card to pitboss_vault;
grant update (wrapped_key, key_id, fingerprint, fingerprint_key_id) on card to pitboss_vault;

-- Roles of the platform may live in the same server: they have no business in this database.
do $$
begin
  execute format('revoke connect, temporary on database %I from public', current_database());
  execute format('grant connect on database %I to pitboss_vault', current_database());
end $$;
