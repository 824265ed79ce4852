-- Who ended a rotation before its time.
alter table rekey.rotations add column ended_by jsonb;

-- Nothing is granted to the public any more. Roles that work as applications keep what they could call as one of it, and
-- get what takes the place of their right to insert into rekey.dek_seals (which stays until grant_application is called
-- again, for vaults of the version before). The functions get their text after this.
create function rekey.hold_dek(tenant uuid) returns table (dek_id uuid, key_number integer, material_id uuid)
language plpgsql as $$ begin end $$;
create function rekey.reserve_seals(dek uuid, seals integer) returns bigint
language plpgsql as $$ begin end $$;
do $$
declare
  application regrole;
begin
  for application in
    select a.grantee::regrole from pg_class c, aclexplode(c.relacl) a
    where c.oid = 'rekey.dek_seals'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
      and a.grantee <> 0
  loop
    execute format(
      'grant execute on function rekey.hold_dek(uuid), rekey.hold_active_dek(uuid), rekey.reserve_seals(uuid, integer) to %s',
      application);
  end loop;
end
$$;
