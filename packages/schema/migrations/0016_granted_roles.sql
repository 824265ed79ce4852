-- The roles that work with this schema, so that they get what a new version needs with the migration itself, and what a
-- newly registered table needs with its registration (rekey.renew_rights).
create table rekey.granted_roles (
  role_name name not null,
  part text not null check (part in ('api', 'worker', 'application', 'operator')),
  primary key (role_name, part)
);

-- Those of earlier versions are known by a right that no other part has.
insert into rekey.granted_roles (role_name, part)
  select distinct pg_get_userbyid(a.grantee), 'worker' from pg_class c, aclexplode(c.relacl) a
  where c.oid = 'rekey.rotation_ranges'::regclass and a.privilege_type = 'INSERT' and a.grantee not in (0, c.relowner)
  union
  select distinct pg_get_userbyid(a.grantee), 'application' from pg_proc p, aclexplode(p.proacl) a
  where p.oid = 'rekey.hold_dek(uuid)'::regprocedure and a.grantee not in (0, p.proowner)
  union
  select distinct pg_get_userbyid(a.grantee), 'api' from pg_proc p, aclexplode(p.proacl) a
  where p.oid = 'rekey.start_rotation(uuid, uuid, uuid, jsonb, jsonb)'::regprocedure
    and a.grantee not in (0, p.proowner);
