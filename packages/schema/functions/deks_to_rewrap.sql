-- DEKs that a rewrap has left to do, in the order of their ids, behind one of them.
create or replace function rekey.deks_to_rewrap(rewrap uuid, after uuid, at_most integer)
returns table (dek_id uuid, tenant_id uuid, kek_id text, kek_uri text, wrapped bytea, wrap_version integer)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select o.dek_id, o.tenant_id, o.kek_id, o.kek_uri, o.wrapped, o.wrap_version
    from rekey.rewraps r cross join lateral rekey.deks_outside(r.kek_id, r.tenant_id, r.id) o
    where r.id = rewrap and r.status = 'in_progress' and (after is null or o.dek_id > after)
    order by o.dek_id limit at_most;
end
$$;
revoke execute on function rekey.deks_to_rewrap(uuid, uuid, integer) from public;
