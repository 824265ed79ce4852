-- All that stands in the way of registering a table, and what may be surprising about it; nothing is changed. The
-- arguments are those of rekey.register_target. Severity 'error': it cannot be registered; 'warning': it can be.
create or replace function rekey.check_target(
  target_name text,
  target_item_type text,
  target_table regclass,
  id_column name default 'id',
  tenant_column name default 'tenant_id',
  key_column name default 'key_number',
  ciphertext_column name default 'ciphertext'
) returns table (code text, severity text, problem text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- Names are compared as text, and literals read, whatever the session of a person has.
set quote_all_identifiers = off
set standard_conforming_strings = on
-- Where it would hide rows it is to say so.
set row_security = off
as $check$
declare
  found_errors boolean := false;
  mislabelled boolean;
begin
  for code, severity, problem in
    select * from rekey.check_target_shape(target_name, target_item_type, target_table, id_column, tenant_column, key_column,
      ciphertext_column)
  loop
    found_errors := found_errors or severity = 'error';
    return next;
  end loop;
  -- Looks through all of the table, which takes sense only in one that could be registered otherwise.
  if not found_errors then
    execute format('select exists (select from %s where not %s)', target_table,
      rekey.label_condition('envelope-v1', ciphertext_column, key_column)) into mislabelled;
    if mislabelled then
      code := 'LABELS_DIFFER';
      severity := 'error';
      problem := format('There are rows whose %s does not begin with a ciphertext''s version and the number in %s.',
        ciphertext_column, key_column);
      return next;
    end if;
  end if;
end
$check$;
