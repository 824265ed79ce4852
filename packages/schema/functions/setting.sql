-- A setting of this installation, all of which are numbers.
create or replace function rekey.setting(setting_name text) returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select s.value from rekey.settings s where s.name = setting_name), rekey.setting_default(setting_name))
$$;
