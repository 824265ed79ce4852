-- What a setting is that nobody has changed. Null: there is none, or it stands in rekey.settings.
create or replace function rekey.setting_default(setting_name text) returns bigint
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case setting_name
    when 'destruction_grace_seconds' then 30 * 86400
    when 'destruction_unused_seconds' then 30 * 86400
    -- None is needed.
    when 'destruction_approvals' then 0
    -- For so long who holds a compromised DEK may go on with everything but writing.
    when 'compromise_patience_seconds' then 10
  end::bigint
$$;
revoke execute on function rekey.setting_default(text) from public;
