-- Staff: a realm of its own, whose tokens open nothing in the players' realm.
create table backoffice.operator (
  id uuid primary key,
  email text not null unique check (email = lower(email)),
  name text not null,
  -- argon2id in PHC form: its parameters are stored with it
  password_hash text not null,
  status text not null default 'active' check (status in ('active', 'disabled')),
  -- Brands that the operator may see; '*' is all.
  brands text[] not null default array['*'],
  created_at timestamptz not null default now()
);

create table backoffice.operator_role (
  operator_id uuid not null references backoffice.operator,
  role text not null check (role in
    ('support', 'payments', 'payments-lead', 'risk', 'compliance', 'content', 'analyst', 'admin')),
  granted_at timestamptz not null default now(),
  primary key (operator_id, role)
);

create table backoffice.session (
  id uuid primary key,
  token_hash bytea not null unique,
  operator_id uuid not null references backoffice.operator,
  ip inet,
  user_agent text,
  opened_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  idle_expires_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoke_reason text
);
create index session_by_operator on backoffice.session (operator_id, opened_at);

create table backoffice.sign_in_throttle (
  account bytea not null,
  ip text not null,
  window_started_at timestamptz not null default now(),
  attempts integer not null default 1,
  primary key (account, ip)
);
