-- Begins a retry where records have stood under an older DEK for longer after its going out of use than the policy of the tenant
-- says (retireAfterDays), for one tenant in each call, whose windows are among those that are open: the one that has waited
-- longest. It takes one of the places of rotations that policies begin. After a retry that left some again ten
-- minutes, doubling; after five it is somebody's to find out why (rekey.policy_standing). For whoever holds
-- rekey.take_policy_round.
create or replace function rekey.retry_left(open_windows jsonb)
returns table (rotation_id uuid, tenant_id uuid, policy_version text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  at_once integer := coalesce((select (p.policy ->> 'rotationsAtOnce')::integer from rekey.latest_policy(null) p), 4);
  one record;
  begun uuid := gen_random_uuid();
begin
  if at_once <= (select count(*) from rekey.rotations r where r.status = 'in_progress' and r.policy_version is not null
      and coalesce(r.waiting_for, '') not in ('window', 'kek_suspended', 'integrity', 'internal')) then
    return;
  end if;
  for one in
    select b.tenant_id, b.rotation_id, s.policy, s.policy_version
    from rekey.left_behind(null) b join rekey.policy_standings s on s.dek_id = b.dek_id
    where b.out_of_use_at + (s.policy ->> 'retireAfterDays')::integer * interval '24 hours' <= clock_timestamp()
      and b.retries < 5
      and (b.retries = 0 or b.retried_at + interval '10 minutes' * power(2, b.retries - 1) <= clock_timestamp())
      and (jsonb_typeof(s.policy -> 'windows') is distinct from 'array' or open_windows @> jsonb_build_array(s.policy -> 'windows'))
    order by b.out_of_use_at, b.tenant_id
  loop
    perform set_config('rekey.actor', rekey.policy_actor(one.policy_version)::text, true);
    -- Nobody waits with a tenant that somebody has just now, as in rekey.begin_due.
    perform from rekey.tenants t where t.id = one.tenant_id for no key update skip locked;
    continue when not found;
    -- Somebody else may have been there just now: the next one then.
    continue when (select r.outcome from rekey.retry_rotation(begun, one.rotation_id, rekey.policy_actor(one.policy_version),
      'retireAfterDays of its policy has passed') r) <> 'changed';
    update rekey.rotations r set policy_version = one.policy_version, windows = nullif(one.policy -> 'windows', 'null')
      where r.id = begun;
    set constraints all immediate;
    set constraints all deferred;
    perform set_config('rekey.reason', '', true);
    return query select begun, one.tenant_id, one.policy_version;
    return;
  end loop;
end
$$;
revoke execute on function rekey.retry_left(jsonb) from public;
