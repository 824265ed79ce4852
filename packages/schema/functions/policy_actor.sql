-- Who acts where a policy does.
create or replace function rekey.policy_actor(policy_version text) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('kind', 'policy', 'realm', null, 'id', 'policy-' || policy_version, 'name', null, 'email', null)
$$;
revoke execute on function rekey.policy_actor(text) from public;
