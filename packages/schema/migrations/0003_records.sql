-- The three tables that ship. fillfactor 90 leaves room for HOT updates; no index may contain key_number.

create table public.credentials (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  username text check (length(username) <= 200),
  key_number integer not null,
  ciphertext bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 90);
create index credentials_by_tenant on public.credentials (tenant_id, id);

create table public.api_keys (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  last_used_at timestamptz,
  key_number integer not null,
  ciphertext bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 90);
create index api_keys_by_tenant on public.api_keys (tenant_id, id);

create table public.secrets (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  key_number integer not null,
  ciphertext bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 90);
create index secrets_by_tenant on public.secrets (tenant_id, id);

select rekey.register_target('credentials', 'credentials', 'public.credentials');
select rekey.register_target('api_keys', 'apiKeys', 'public.api_keys');
select rekey.register_target('secrets', 'secrets', 'public.secrets');
