-- What an application's database role needs to work through the vault library: functions, and its own rights on the
-- registered tables, which are to be granted again after another one was registered. Other roles' rights on its tables are
-- its owner's matter.
create or replace function rekey.grant_application(role_name name) returns void
language plpgsql
as $$
declare
  target record;
begin
  perform rekey.set_rights(role_name, 'application');
  for target in select * from rekey.targets where retired_at is null loop
    execute format('grant select, insert, update, delete on %s to %I', target.table_name, role_name);
  end loop;
end
$$;
