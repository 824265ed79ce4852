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
    $sql$alter table %1$s add constraint %2$I check (
      coalesce(substring(%3$I from 1 for 5) = '\x01'::bytea || int4send(%4$I), %3$I is null and %4$I is null)) not valid$sql$,
    target.table_name, 'rekey_label_' || target_name, target.ciphertext_column, target.key_column);
end
$$;
