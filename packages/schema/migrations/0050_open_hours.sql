-- The hours in which a rotation is swept, and since when which tenant needs to be rotated (docs/adr/0074).
alter table rekey.rotations
  -- Null: at any time.
  add column windows jsonb,
  -- Its windows are closed until then; null: they are open, or there are none.
  add column window_opens_at timestamptz;

create function rekey.record_hours_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_hours_event after update on rekey.rotations
  deferrable initially deferred for each row
  when (old.windows is distinct from new.windows
    or (old.window_opens_at is null) is distinct from (new.window_opens_at is null))
  execute function rekey.record_hours_event();

-- Whoever looks for tenants whose time has come holds this row for as long.
create table rekey.policy_rounds (
  one boolean primary key default true check (one),
  at timestamptz not null
);
insert into rekey.policy_rounds (at) values ('-infinity');

-- What somebody was told of an active DEK, once each.
create table rekey.policy_notes (
  dek_id uuid not null,
  tenant_id uuid not null,
  level text not null check (level in ('overdue', 'orphaned')),
  at timestamptz not null default clock_timestamp(),
  primary key (dek_id, level)
);
