-- Changes a setting of this installation, and has the fences know it. What is stored already stays.
create or replace function rekey.change_setting(setting_name text, new_value bigint) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new_value is null or new_value < 1 or new_value > 1073741823 then
    raise exception 'A setting is a number from 1 to 1073741823' using errcode = '22023';
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
