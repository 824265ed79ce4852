-- Changes a setting of this installation, and has the fences know it. What is stored already stays. What protects keys from
-- being destroyed, and events from being cut off, too soon is lowered by the owner of the schema only, who is also the only one
-- to say for the first time that events are cut off; to raise it, and to declare the others first, anybody may who may call this.
create or replace function rekey.change_setting(setting_name text, new_value bigint) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  protects constant text[] := array['destruction_grace_seconds', 'destruction_unused_seconds', 'destruction_approvals',
    'backup_horizon_seconds', 'audit_retention_years'];
  -- No fence knows them.
  others constant text[] := array['compromise_patience_seconds'];
  approvals_max constant bigint := 5;
begin
  if new_value is null or new_value < 1 or new_value > 1073741823 then
    raise exception 'A setting is a number from 1 to 1073741823' using errcode = '22023';
  end if;
  if setting_name = any (others) then
    insert into rekey.settings as s (name, value) values (setting_name, new_value)
      on conflict (name) do update set value = new_value;
    return;
  end if;
  if setting_name = any (protects) then
    if setting_name = 'destruction_approvals' and new_value > approvals_max then
      raise exception 'At most % approvals can be asked for', approvals_max using errcode = '22023';
    end if;
    -- As long as it is not set, events are kept for ever.
    if (new_value < rekey.setting(setting_name)
        or setting_name = 'audit_retention_years' and rekey.setting(setting_name) is null) and not pg_has_role(session_user,
        (select n.nspowner from pg_namespace n where n.nspname = 'rekey'), 'USAGE') then
      raise exception 'Only the owner of the schema may lower %', setting_name using errcode = '42501';
    end if;
    insert into rekey.settings as s (name, value) values (setting_name, new_value)
      on conflict (name) do update set value = new_value;
    return;
  end if;
  update rekey.settings s set value = new_value where s.name = setting_name;
  if not found then
    raise exception 'There is no setting %', setting_name using errcode = '22023';
  end if;
  perform rekey.install_fence(t.name) from rekey.targets t
    where coalesce(t.retired_at, 'infinity') = 'infinity' and to_regclass(t.table_name) is not null;
  perform rekey.remember_functions(array(select 'fence_' || t.name from rekey.targets t where t.retired_at is null));
end
$$;
