-- A role was given the rights of a part, or they were taken from it, when its transaction commits. In the chain of the
-- installation.
create or replace function rekey.record_role_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    perform rekey.append_event(null, 'role.revoked', null,
      jsonb_build_object('role', old.role_name, 'part', old.part));
  end if;
  if tg_op in ('UPDATE', 'INSERT') then
    perform rekey.append_event(null, 'role.granted', null,
      jsonb_build_object('role', new.role_name, 'part', new.part));
  end if;
  return null;
end
$$;
