-- What is done to keys by itself, and when (docs/adr/0073).
create table rekey.policies (
  -- Null: the default, from which tenants' policies depart field by field.
  tenant_id uuid references rekey.tenants,
  version integer not null check (version > 0),
  policy jsonb not null check (jsonb_typeof(policy) = 'object'),
  put_at timestamptz not null default clock_timestamp(),
  unique nulls not distinct (tenant_id, version)
);

-- A version never changes, and none is deleted: rotations name those that they began with.
create trigger guard_event before update or delete on rekey.policies
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.policies
  for each statement execute function rekey.guard_event();

create function rekey.record_policy_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert on rekey.policies
  deferrable initially deferred for each row execute function rekey.record_policy_event();

-- The policy that a rotation was begun by, as <version of the default>.<version of the tenant's>; null: somebody called for it.
alter table rekey.rotations add column policy_version text check (policy_version ~ '^[0-9]{1,10}\.[0-9]{1,10}$');
