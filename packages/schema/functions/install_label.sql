-- The constraint that the label and the bytes of a record agree, so that counting labels counts bytes. It holds for what is
-- written from now on; what is there is compared by "alter table … validate constraint".
create or replace function rekey.install_label(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target rekey.targets;
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  -- A copy of a registered table has one of that name already.
  execute format('alter table %s drop constraint if exists %I', target.table_name, 'rekey_label_' || target_name);
  execute format(
    'alter table %s add constraint %I check (%s) not valid', target.table_name, 'rekey_label_' || target_name,
    rekey.label_condition(target.format, target.ciphertext_column, target.key_column));
end
$$;
