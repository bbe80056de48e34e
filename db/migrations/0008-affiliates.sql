-- Who brought whom. A referral is made with the registration and never re-attributed.
create table affiliates.affiliate (
  id uuid primary key,
  code text not null unique check (code ~ '^[A-Za-z0-9_-]{2,40}$'),
  name text not null,
  brand text not null references pam.brand,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);

create table affiliates.referral (
  player_id uuid primary key references pam.player,
  affiliate_id uuid not null references affiliates.affiliate,
  brand text not null,
  referred_at timestamptz not null default now()
);
create index referral_by_affiliate on affiliates.referral (affiliate_id, referred_at);
create index referral_by_time on affiliates.referral (referred_at, player_id);
call compliance.make_append_only('affiliates.referral');
