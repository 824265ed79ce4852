-- What sweep, proof and guard see is what is there (docs/adr/0034). Locks tables of the schema only.

-- A registered table is known by its identity, not by its name alone; and in which database that was so.
alter table rekey.targets
  add column table_oid oid,
  add column database_id text,
  -- One that was unregistered makes way for a later one of its name, and what was done to it goes on naming it.
  drop constraint targets_name_check,
  add constraint targets_name_check check (
    name ~ '^[a-z][a-z0-9_]{0,40}$' or (retired_at is not null and name ~ '^[a-z][a-z0-9_]{0,40}~[0-9]{1,9}$'));
alter table rekey.rotation_ranges drop constraint rotation_ranges_target_fkey,
  add constraint rotation_ranges_target_fkey foreign key (target) references rekey.targets on update cascade;
alter table rekey.rotation_failures drop constraint rotation_failures_target_fkey,
  add constraint rotation_failures_target_fkey foreign key (target) references rekey.targets on update cascade;
create unique index targets_one_per_key_column on rekey.targets (table_oid, key_column) where retired_at is null;

-- What stands in our functions, by digest: whoever checks sees when one was changed by hand.
create table rekey.function_digests (
  name name,
  arguments smallint,
  digest text not null,
  function_oid oid,
  row_made_by xid,
  primary key (name, arguments)
);

-- The databases that this one was seen to be: a restored or copied one is another.
create table rekey.database_sightings (
  id bigint generated always as identity primary key,
  database_id text not null,
  timeline text not null,
  seen_at timestamptz not null default now()
);

alter table rekey.rotations drop constraint if exists rotations_waiting_for_check,
  add constraint rotations_waiting_for_check check (waiting_for in
    ('worker', 'kms', 'database', 'lock', 'integrity', 'internal', 'window', 'kek_suspended'));

-- Before the files of functions are looked at.
create function rekey.function_digest(source text, as_owner boolean, settings text[]) returns text
language sql immutable as $$ select md5(as_owner || coalesce(array_to_string(settings, ','), '') || source) $$;

-- The count that is kept independently of proofs: how much of it is churn, from the switch on.
alter table rekey.rotations
  -- By target, as of the switch.
  add column churn_at_switch jsonb,
  add column recounted_at timestamptz;
-- How many records the proof of a range saw in it, on whatever key.
alter table rekey.rotation_ranges add column seen bigint;

create trigger guard_rotation_insert before insert on rekey.rotations
  for each row execute function rekey.guard_rotation();

-- What is finished does not change. A batch of the sweep, which has an owner, is let through without a look.
create function rekey.guard_range() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_range before insert or delete on rekey.rotation_ranges
  for each row execute function rekey.guard_range();
create trigger guard_range_update before update on rekey.rotation_ranges
  for each row when (old.owner is null or old.proved_at is not null) execute function rekey.guard_range();
create trigger guard_range_truncate before truncate on rekey.rotation_ranges
  for each statement execute function rekey.guard_range();
create function rekey.guard_failure() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_failure before insert or update or delete on rekey.rotation_failures
  for each row execute function rekey.guard_failure();
create trigger guard_failure_truncate before truncate on rekey.rotation_failures
  for each statement execute function rekey.guard_failure();
