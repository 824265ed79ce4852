-- What shows how a rotation went.

alter table rekey.rotations
  -- When it came to each phase behind the first, by rekey.guard_rotation; null: an earlier version led it there.
  add column phase_times jsonb;

-- How far a rotation was when: at most 360 points each, thinned by doubling the interval (rekey.keep_progress).
create table rekey.rotation_samples (
  rotation_id uuid not null,
  at timestamptz not null,
  -- Its place among those of its rotation, and how many seconds lie between two of them.
  place integer not null,
  every_seconds integer not null,
  items_done bigint not null,
  items_per_second bigint not null,
  waiting_for text,
  primary key (rotation_id, at)
) with (fillfactor = 70);
