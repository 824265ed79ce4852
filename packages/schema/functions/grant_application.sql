-- What an application's database role needs to work through the vault library, and nothing more.
create or replace function rekey.grant_application(role_name name) returns void
language plpgsql
as $$
declare
  target record;
begin
  execute format('grant usage on schema rekey to %I', role_name);
  execute format('grant select on rekey.tenants, rekey.deks, rekey.dek_material, rekey.dek_identities, rekey.targets, rekey.dek_seal_counts to %I', role_name);
  execute format('grant insert on rekey.dek_seals to %I', role_name);
  for target in select * from rekey.targets where retired_at is null loop
    execute format('grant select, insert, update, delete on %s to %I', target.table_name, role_name);
  end loop;
end
$$;
