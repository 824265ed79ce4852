-- Who is signed in to the console (docs/adr/0071). Of the cookie only a hash, of the token only what it said: neither can be
-- used by whoever reads this.
create table rekey.console_sessions (
  id_hash bytea primary key check (octet_length(id_hash) = 32),
  -- Realm and `sub`, as in events.
  realm text not null check (octet_length(realm) <= 64),
  subject text not null check (octet_length(subject) <= 1024),
  caller jsonb not null check (pg_column_size(caller) <= 8192),
  created_at timestamptz not null default clock_timestamp(),
  -- When the person proved who they are; null: the issuer did not say.
  logged_in_at timestamptz,
  -- Renewed once a minute at most.
  used_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index console_sessions_by_caller on rekey.console_sessions (realm, subject, created_at);
create index console_sessions_by_end on rekey.console_sessions (expires_at);
