-- How long a sealed value of this format may be here: the setting, and what the format puts around a value.
create or replace function rekey.sealed_bytes_max(format_name text) returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select rekey.setting('value_bytes_max') + case format_name when 'envelope-v1' then 33 end
$$;
