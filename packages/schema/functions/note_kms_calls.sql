-- Adds calls of KMSs to what rotations took, of those that were started with a plan.
create or replace function rekey.note_kms_calls(rotations uuid[], calls bigint[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  update rekey.plans p set kms_calls = p.kms_calls + n.calls
  from (select u.rotation, sum(greatest(u.calls, 0))::bigint as calls from unnest(rotations, calls) u(rotation, calls)
    group by u.rotation) n
  where p.rotation_id = n.rotation
$$;
revoke execute on function rekey.note_kms_calls(uuid[], bigint[]) from public;
