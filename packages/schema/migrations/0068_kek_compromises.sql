-- Compromised KEKs (docs/adr/0077).
alter table rekey.rewraps
  -- Only of DEKs that are under this KEK; null: under whichever.
  add column from_kek_id text;

create table rekey.kek_compromises (
  id uuid primary key,
  kek_name text not null,
  kek_id text not null,
  -- Under which DEKs come, those that are there and those that replace them.
  target_name text not null,
  target_kek_id text not null,
  calls_per_second_max integer not null check (calls_per_second_max between 1 and 10000),
  status text not null default 'in_progress' check (status in ('in_progress', 'completed', 'completed_with_failures')),
  -- The latest of its rewraps.
  rewrap_id uuid references rekey.rewraps,
  reason text not null,
  initiated_by jsonb not null,
  started_at timestamptz not null default clock_timestamp(),
  completed_at timestamptz,
  check (kek_id <> target_kek_id),
  check ((completed_at is null) = (status = 'in_progress'))
);
create unique index kek_compromises_running on rekey.kek_compromises (kek_id) where status = 'in_progress';
create index kek_compromises_by_kek on rekey.kek_compromises (kek_name, started_at);

-- Each DEK that is or was under it. By no foreign key to DEKs: that would take a lock that writers wait behind.
create table rekey.kek_compromise_deks (
  compromise_id uuid not null references rekey.kek_compromises,
  dek_id uuid not null,
  tenant_id uuid not null,
  primary key (compromise_id, dek_id)
);
create index rewrapped_deks_by_kek on rekey.rewrapped_deks (from_kek_id);

create function rekey.guard_kek_compromise() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_kek_compromise before update or delete on rekey.kek_compromises
  for each row execute function rekey.guard_kek_compromise();
create trigger guard_kek_compromise_truncate before truncate on rekey.kek_compromises
  for each statement execute function rekey.guard_kek_compromise();
create trigger guard_kek_compromise_deks before update or delete on rekey.kek_compromise_deks
  for each row execute function rekey.guard_kek_compromise();
create trigger guard_kek_compromise_deks_truncate before truncate on rekey.kek_compromise_deks
  for each statement execute function rekey.guard_kek_compromise();
create function rekey.record_kek_compromise_event() returns trigger language plpgsql as $$ begin return null; end $$;
create constraint trigger record_event after insert or update of status on rekey.kek_compromises
  deferrable initially deferred for each row execute function rekey.record_kek_compromise_event();
