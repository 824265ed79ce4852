-- What holds back the sweep of which rotation for the sake of production (docs/adr/0058): a row for each process that holds it
-- back, for as long as it does. A process that is silent for 10 s counts no more. Rotations are never deleted, and a
-- foreign key would lock their rows.
create table rekey.rotation_throttles (
  rotation_id uuid not null,
  process_id uuid not null,
  signal text not null check (signal ~ '^[a-z_]{1,40}$'),
  level text not null check (level in ('slow', 'stop')),
  detail text not null check (length(detail) <= 1000),
  since timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  primary key (rotation_id, process_id)
) with (fillfactor = 50);
