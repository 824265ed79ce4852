-- DEKs that are to be destroyed, and who agreed (docs/adr/0064).
create table rekey.key_destructions (
  dek_id uuid primary key references rekey.deks,
  -- Another one with every call: what was agreed to a request that was cancelled counts for no other.
  request_id uuid not null unique default gen_random_uuid(),
  realm text,
  subject text not null,
  reason text,
  requested_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null,
  -- When a worker last tried.
  tried_at timestamptz
);
create index key_destructions_by_due on rekey.key_destructions (due_at);

create table rekey.destruction_approvals (
  request_id uuid not null references rekey.key_destructions (request_id) on delete cascade,
  -- Null: somebody at the database, by the role of the session.
  realm text,
  subject text not null,
  approved_at timestamptz not null default clock_timestamp(),
  -- Of how the conditions stood.
  conditions_hash bytea not null,
  unique nulls not distinct (request_id, realm, subject)
);

-- Rows of wrapped DEKs that are deleted are to leave the files soon: with the first one, at autovacuum's next turn.
alter table rekey.dek_material set (
  autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 0, toast.autovacuum_vacuum_scale_factor = 0);
