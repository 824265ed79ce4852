-- A setting was changed, when its transaction commits. In the chain of the installation.
create or replace function rekey.record_setting_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'UPDATE' or old is distinct from new then
    perform rekey.append_event(null, 'setting.changed', null, jsonb_build_object(
      'setting', case tg_op when 'DELETE' then old.name else new.name end,
      'from', case when tg_op <> 'INSERT' then old.value end, 'to', case when tg_op <> 'DELETE' then new.value end));
  end if;
  return null;
end
$$;
