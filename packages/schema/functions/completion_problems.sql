-- What keeps a rotation whose every range is proved from being completed.
create or replace function rekey.completion_problems(rotation uuid)
returns table (target text, code text, problem text, todo text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select p.target, p.code, p.problem, p.todo
    from rekey.rotations r, rekey.integrity_problems(r.tenant_id) p where r.id = rotation;
end
$$;
revoke execute on function rekey.completion_problems(uuid) from public;
