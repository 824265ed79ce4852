-- Rotations, the ranges they are cut into, what was set aside, and the keys of idempotent calls.

create table rekey.rotations (
  id uuid primary key,
  tenant_id uuid not null references rekey.tenants,
  status text not null default 'in_progress'
    check (status in ('in_progress', 'paused', 'completed', 'completed_with_failures', 'failed', 'cancelled')),
  phase text not null default 'queued' check (phase in ('queued', 'activating', 'sweeping', 'verifying', 'done')),
  previous_dek_id uuid references rekey.deks,
  -- Deferred: the rotation is inserted first, so that its unique index turns a second caller away.
  new_dek_id uuid not null unique references rekey.deks deferrable initially deferred,
  items_to_rotate jsonb not null,
  initiated_by jsonb not null,
  started_at timestamptz not null default now(),
  switched_at timestamptz,
  completed_at timestamptz,
  estimated_completion timestamptz not null,
  failure_reason text check (failure_reason ~ '^[A-Z_]{1,60}$'),
  waiting_for text check (waiting_for in ('kms', 'database', 'lock', 'worker')),
  -- A sign of life of whoever works on it; by this clock, never by a worker's.
  heartbeat_at timestamptz,
  -- Counts up with every published snapshot, so that a late one is recognised.
  version bigint not null default 0,
  progress jsonb,
  check ((status in ('in_progress', 'paused')) = (phase <> 'done')),
  check ((status in ('in_progress', 'paused')) = (completed_at is null)),
  check ((status = 'failed') = (failure_reason is not null)),
  check (switched_at is not null or phase in ('queued', 'activating') or status in ('failed', 'cancelled'))
) with (fillfactor = 50);

create unique index rotations_one_unfinished_per_tenant on rekey.rotations (tenant_id)
  where status in ('in_progress', 'paused');
create index rotations_finished on rekey.rotations (completed_at) where completed_at is not null;

create function rekey.guard_rotation() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op in ('DELETE', 'TRUNCATE') or old.status not in ('in_progress', 'paused') then
    raise exception 'A finished rotation never changes, and none is deleted' using errcode = 'RK005';
  end if;
  return new;
end
$$;
create trigger guard_rotation before update or delete on rekey.rotations
  for each row execute function rekey.guard_rotation();
create trigger guard_rotation_truncate before truncate on rekey.rotations
  for each statement execute function rekey.guard_rotation();

-- A range is a slice (lower, upper] of one target's ids; null is minus or plus infinity. Ids are kept as text and
-- cast to the target's type. "planned" is how many records stood on older keys when the range was cut.
create table rekey.rotation_ranges (
  rotation_id uuid not null references rekey.rotations,
  target text not null references rekey.targets,
  ordinal integer not null check (ordinal >= 0),
  lower_id text,
  upper_id text,
  cursor_id text,
  pass integer not null default 1,
  planned bigint not null check (planned >= 0),
  rotated bigint not null default 0,
  failed bigint not null default 0,
  sealed bigint not null default 0,
  -- The lease: who sweeps it now. Counts and cursor move only for the owner.
  owner uuid,
  heartbeat_at timestamptz,
  proved_at timestamptz,
  primary key (rotation_id, target, ordinal)
) with (fillfactor = 50);

create table rekey.rotation_failures (
  rotation_id uuid not null references rekey.rotations,
  target text not null references rekey.targets,
  record_id text not null,
  reason text not null check (reason ~ '^[A-Z_]{1,60}$'),
  failed_at timestamptz not null default now(),
  primary key (rotation_id, target, record_id)
);

create table rekey.idempotency_keys (
  caller text not null,
  key text not null,
  body_hash bytea not null,
  rotation_id uuid not null references rekey.rotations deferrable initially deferred,
  response text not null,
  created_at timestamptz not null default now(),
  primary key (caller, key)
);
create index idempotency_keys_by_age on rekey.idempotency_keys (created_at);

-- How often each DEK has sealed, at most: blocks reserved by applications plus what rotations sealed.
create view rekey.dek_seal_counts as
  select d.id as dek_id,
    coalesce((select sum(s.seals) from rekey.dek_seals s where s.dek_id = d.id), 0)
    + coalesce((select sum(g.sealed) from rekey.rotations r join rekey.rotation_ranges g on g.rotation_id = r.id
        where r.new_dek_id = d.id), 0) as seals
  from rekey.deks d;

-- What an application's database role needs to work through the vault library, and nothing more.
create function rekey.grant_application(role_name name) returns void
language plpgsql
as $$
declare
  target record;
begin
  execute format('grant usage on schema rekey to %I', role_name);
  execute format('grant select on rekey.tenants, rekey.deks, rekey.dek_material, rekey.targets, rekey.dek_seal_counts to %I', role_name);
  execute format('grant insert on rekey.dek_seals to %I', role_name);
  for target in select * from rekey.targets where retired_at is null loop
    execute format('grant select, insert, update, delete on %s to %I', target.table_name, role_name);
  end loop;
end
$$;
