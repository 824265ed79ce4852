-- Rewraps: the same DEKs under another KEK (docs/adr/0066).
create table rekey.rewraps (
  id uuid primary key,
  -- Null: of all tenants.
  tenant_id uuid references rekey.tenants,
  kek_name text not null,
  kek_id text not null,
  status text not null default 'in_progress'
    check (status in ('in_progress', 'paused', 'completed', 'completed_with_failures', 'cancelled')),
  calls_per_second_max integer not null check (calls_per_second_max between 1 and 10000),
  -- Processes that had not proved the KEK were passed over.
  forced boolean not null,
  reason text,
  initiated_by jsonb not null,
  started_at timestamptz not null default clock_timestamp(),
  completed_at timestamptz,
  deks_at_start bigint not null,
  deks bigint not null,
  rewrapped bigint not null default 0,
  set_aside bigint not null default 0,
  kms_calls bigint not null default 0,
  -- The worker that has it, by its heartbeat.
  owner uuid,
  heartbeat_at timestamptz not null default clock_timestamp(),
  waiting_for text,
  waiting_detail jsonb,
  -- Over the identities of the DEKs that were rewrapped: as they were then, and at its end.
  fingerprint_before bytea,
  fingerprint_after bytea,
  caller text,
  idempotency_key text,
  body_hash bytea,
  check ((completed_at is null) = (status in ('in_progress', 'paused')))
) with (fillfactor = 70);
create index rewraps_unfinished on rekey.rewraps (status) where status in ('in_progress', 'paused');
create index rewraps_by_start on rekey.rewraps (started_at, id);
create index rewraps_by_key on rekey.rewraps (caller, idempotency_key) where idempotency_key is not null;

-- What became of each DEK.
create table rekey.rewrapped_deks (
  rewrap_id uuid not null references rekey.rewraps,
  dek_id uuid not null references rekey.deks,
  from_kek_id text not null,
  -- Of the row that was written and read back; null: it was set aside, for a reason.
  wrap_version integer,
  wrapped_hash bytea,
  set_aside_for text,
  -- Of the DEK's identity before the change.
  fingerprint bytea not null,
  at timestamptz not null default clock_timestamp(),
  primary key (rewrap_id, dek_id),
  check ((set_aside_for is null) = (wrap_version is not null))
);
create index rewrapped_deks_by_dek on rekey.rewrapped_deks (dek_id);

create function rekey.guard_rewrap() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_rewrap before update or delete on rekey.rewraps
  for each row execute function rekey.guard_rewrap();
create trigger guard_rewrap_truncate before truncate on rekey.rewraps
  for each statement execute function rekey.guard_rewrap();
create function rekey.record_rewrap_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert on rekey.rewraps
  deferrable initially deferred for each row execute function rekey.record_rewrap_event();
create constraint trigger record_event_update after update on rekey.rewraps
  deferrable initially deferred for each row when (old.status <> new.status) execute function rekey.record_rewrap_event();
