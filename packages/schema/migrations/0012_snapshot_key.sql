-- Redis is trusted with nothing. What workers publish there is sealed with a key that lies here, and what they put
-- there lies under a name of this installation, so that two that share a Redis do not take each other's work.

-- One row for ever. Only the owner of the schema may read it: nothing is granted.
create table rekey.installation (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid(),
  snapshot_key bytea not null check (octet_length(snapshot_key) = 32)
);
-- gen_random_uuid() draws from the server's strong source, 122 bits each time.
insert into rekey.installation (snapshot_key) values (sha256(
  uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- By which this database is told from every other: also from one that was restored from its dump elsewhere or under
-- another name, not from itself restored in its place.
create function rekey.installation_id() returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  server text := '';
begin
  begin
    select c.system_identifier::text into server from pg_control_system() c;
  exception when others then
    null; -- a managed server that does not tell: the name must do
  end;
  return (
    select encode(substring(sha256(convert_to(i.id::text || '/' || server || '/' || current_database(), 'UTF8')) for 8), 'hex')
    from rekey.installation i);
end
$$;

-- What snapshots in Redis are sealed with: bound to the installation, so that a copy's do not pass for ours.
create function rekey.snapshot_key() returns bytea
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select sha256(i.snapshot_key || convert_to(rekey.installation_id(), 'UTF8')) from rekey.installation i
$$;

revoke execute on function rekey.installation_id(), rekey.snapshot_key() from public;

-- The roles of API and worker know no other sign yet than that they may change rotations.
do $$
declare
  grantee regrole;
begin
  for grantee in
    select distinct a.grantee::regrole from pg_class c, aclexplode(c.relacl) a
    where c.oid = 'rekey.rotations'::regclass and a.privilege_type = 'UPDATE'
      and a.grantee <> 0 and a.grantee <> c.relowner
  loop
    execute format('grant execute on function rekey.installation_id(), rekey.snapshot_key() to %s', grantee);
  end loop;
end
$$;
