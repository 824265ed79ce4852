-- The processes that can unwrap DEKs, workers and vaults, each with its heartbeat, the KEKs that it has proved, and the DEKs
-- that it has opened records with (docs/adr/0063).
create table rekey.processes (
  id uuid primary key,
  kind text not null check (kind in ('worker', 'vault')),
  -- Whom Postgres knew: another role cannot speak for it.
  database_role name not null,
  host text not null check (length(host) <= 255),
  version text not null check (length(version) <= 40),
  began_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  -- The last time that it had told of everything it has opened.
  told_at timestamptz,
  -- It said that it ends, and has opened nothing since.
  ended_at timestamptz,
  latencies jsonb not null default '{}'
) with (fillfactor = 50);
create index processes_by_heartbeat on rekey.processes (heartbeat_at);
create index processes_by_role on rekey.processes (database_role);

-- A KEK under which the process wrapped bytes and unwrapped them again.
create table rekey.process_keks (
  process_id uuid not null references rekey.processes on delete cascade,
  kek_id text not null check (length(kek_id) between 1 and 2048),
  proved_at timestamptz not null,
  primary key (process_id, kek_id)
) with (fillfactor = 50);

create table rekey.process_deks (
  process_id uuid not null references rekey.processes on delete cascade,
  dek_id uuid not null references rekey.deks,
  opened_since timestamptz not null,
  last_opened_at timestamptz not null,
  primary key (process_id, dek_id)
) with (fillfactor = 50);
create index process_deks_by_dek on rekey.process_deks (dek_id);

-- Of processes that are forgotten: when a DEK was last opened by any of them.
create table rekey.dek_openings (
  dek_id uuid primary key references rekey.deks,
  last_opened_at timestamptz not null
);
