-- What an application's database role needs to work through the vault library, and nothing more. To be called again after
-- a table was registered.
create or replace function rekey.grant_application(role_name name) returns void
language plpgsql
as $$
declare
  target record;
begin
  execute format('grant usage on schema rekey to %I', role_name);
  execute format('grant select on rekey.tenants, rekey.deks, rekey.dek_material, rekey.dek_identities, rekey.targets to %I', role_name);
  execute format('revoke insert on rekey.dek_seals from %I', role_name);
  execute format('grant execute on function rekey.hold_dek(uuid), rekey.hold_active_dek(uuid), rekey.reserve_seals(uuid, integer) to %I', role_name);
  for target in select * from rekey.targets where retired_at is null loop
    execute format('grant select, insert, update, delete on %s to %I', target.table_name, role_name);
  end loop;
end
$$;
