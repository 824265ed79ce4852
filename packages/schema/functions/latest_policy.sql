-- A tenant's own policy as it was put last, or with null the default; no row: nobody has put one.
create or replace function rekey.latest_policy(tenant uuid)
returns table (version integer, policy jsonb, put_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select p.version, p.policy, p.put_at from rekey.policies p
  where p.tenant_id is not distinct from tenant order by p.version desc limit 1
$$;
revoke execute on function rekey.latest_policy(uuid) from public;
