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
update rekey.targets set table_oid = to_regclass(table_name);
