-- Plans: what a rotation of a tenant would come to, before anybody calls for it (docs/adr/0062).
create table rekey.plans (
  id uuid primary key,
  tenant_id uuid not null references rekey.tenants,
  -- Which records are opened to see whether they will.
  check_kind text not null check (check_kind in ('none', 'sample', 'all')),
  status text not null default 'in_progress' check (status in ('in_progress', 'completed', 'failed')),
  -- Chooses the sample: whoever goes on with it chooses the same records.
  seed bigint not null,
  initiated_by jsonb not null,
  started_at timestamptz not null default clock_timestamp(),
  completed_at timestamptz,
  -- As they were at the call: records by item type; name, item type, records and ranges of each target.
  items jsonb not null,
  targets jsonb not null,
  -- How far its worker is, and what it has found.
  progress jsonb not null default '{}',
  -- What it came to.
  estimate jsonb,
  owner uuid,
  heartbeat_at timestamptz not null default clock_timestamp(),
  waiting_for text,
  waiting_detail jsonb,
  -- The rotation that was started with it, and what that took.
  rotation_id uuid,
  wal_begin pg_lsn,
  wal_end pg_lsn,
  kms_calls bigint not null default 0,
  caller text,
  idempotency_key text,
  body_hash bytea,
  check ((completed_at is null) = (status = 'in_progress')),
  check (status <> 'completed' or estimate is not null)
) with (fillfactor = 50);
-- One unfinished plan for each tenant.
create unique index plans_unfinished on rekey.plans (tenant_id) where status = 'in_progress';
create unique index plans_by_rotation on rekey.plans (rotation_id) where rotation_id is not null;
create index plans_by_start on rekey.plans (started_at);
create index plans_by_key on rekey.plans (caller, idempotency_key) where idempotency_key is not null;

create function rekey.note_planned_end() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger note_planned_end after update on rekey.rotations
  for each row when (old.completed_at is null and new.completed_at is not null)
  execute function rekey.note_planned_end();
