-- KEKs that tenants bring (docs/adr/0076).

-- What the configuration of workers lets tenants make KEKs from; where that leads stands there only.
create table rekey.kek_templates (
  name text primary key check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  -- The words that a tenant fills in.
  parts text[] not null check (cardinality(parts) <= 8),
  registered_at timestamptz not null default clock_timestamp()
);

-- Whose a KEK is that was made from a template: for ever, whatever that tenant uses later.
create table rekey.tenant_keks (
  kek_id text primary key check (length(kek_id) between 1 and 2048),
  tenant_id uuid not null references rekey.tenants,
  template text not null,
  parts jsonb not null,
  proved_at timestamptz not null default clock_timestamp()
);
create index tenant_keks_by_tenant on rekey.tenant_keks (tenant_id);

-- Which KEK a tenant's next DEK is wrapped under. No row: that of the installation.
create table rekey.kek_choices (
  tenant_id uuid primary key references rekey.tenants,
  -- Another one with every choice: what a worker found of an earlier one counts for no other.
  id uuid not null unique,
  -- A registered KEK, or a template; null: that of the installation.
  kek_name text,
  parts jsonb not null default '{}' check (jsonb_typeof(parts) = 'object' and pg_column_size(parts) <= 2048),
  -- Until a worker has wrapped and unwrapped with it, the one of before is used.
  state text not null check (state in ('pending', 'active', 'refused')),
  -- What the last attempt met.
  trouble text check (length(trouble) <= 64),
  requested_at timestamptz not null default clock_timestamp(),
  tried_at timestamptz,
  -- The one that is used, of this choice or an earlier one.
  active_name text,
  active_kek_id text,
  activated_at timestamptz
);
create index kek_choices_pending on rekey.kek_choices (requested_at) where state = 'pending';

create function rekey.record_kek_choice_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert or update on rekey.kek_choices
  deferrable initially deferred for each row execute function rekey.record_kek_choice_event();
