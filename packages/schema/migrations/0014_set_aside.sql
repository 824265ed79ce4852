-- What was set aside is found by a digest of its id, which fits into an index however long the id is.
create function rekey.record_hash(record_id text) returns bytea
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select sha256(convert_to(record_id, 'UTF8')) $$;

alter table rekey.rotation_failures
  add column record_hash bytea generated always as (rekey.record_hash(record_id)) stored,
  -- The range that it was met in; null where an earlier version set it aside.
  add column ordinal integer,
  drop constraint rotation_failures_pkey;
alter table rekey.rotation_failures add primary key (rotation_id, target, record_hash);
create index rotation_failures_by_range on rekey.rotation_failures (rotation_id, target, ordinal);
create index rotation_failures_by_record on rekey.rotation_failures (record_hash);

-- The reasons of packages/data/src/set-aside.ts. What is there already is not looked at.
alter table rekey.rotation_failures
  drop constraint rotation_failures_reason_check,
  add constraint rotation_failures_reason_check check (reason in ('MALFORMED', 'KEY_UNKNOWN', 'KEY_UNUSABLE',
    'AUTHENTICATION_FAILED', 'TOO_LARGE', 'UNREADABLE', 'REFUSED_BY_CONSTRAINT', 'REFUSED_BY_TRIGGER')) not valid;

alter table rekey.rotation_ranges
  -- Everything up to here is proved: a range that has grown is proved in several steps.
  add column proof_id text,
  -- What holds this range up, in the words of rotations.waiting_for.
  add column waiting_for text;

alter table rekey.rotations
  drop constraint rotations_waiting_for_check,
  add constraint rotations_waiting_for_check check (
    waiting_for in ('kms', 'database', 'lock', 'worker', 'integrity', 'internal')) not valid;
