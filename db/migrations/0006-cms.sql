-- Terms and conditions: what a player accepted is a version of this table, so no version is ever edited.
create table cms.terms (
  brand text not null references pam.brand,
  version integer not null check (version > 0),
  title text not null,
  body text not null,
  published_at timestamptz not null default now(),
  primary key (brand, version)
);
call compliance.make_append_only('cms.terms');
