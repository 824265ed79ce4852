-- Finds out how each active DEK stands by its policy, and writes down what has changed since. For whoever holds
-- rekey.take_policy_round.
create or replace function rekey.keep_standings() returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with standing as materialized (
    select * from rekey.policy_standing(null)
  ), gone as (
    delete from rekey.policy_standings p
    where not exists (select from standing s where s.dek_id = p.dek_id)
  )
  insert into rekey.policy_standings as p
      (dek_id, tenant_id, level, due_at, overdue_at, tries, tried_at, policy, policy_version)
    select s.dek_id, s.tenant_id, s.level, s.due_at, s.overdue_at, s.tries, s.tried_at, s.policy, s.policy_version
    from standing s left join rekey.policy_standings o on o.dek_id = s.dek_id
    where (o.level, o.due_at, o.overdue_at, o.tries, o.tried_at, o.policy, o.policy_version)
      is distinct from (s.level, s.due_at, s.overdue_at, s.tries, s.tried_at, s.policy, s.policy_version)
    on conflict (dek_id) do update set level = excluded.level, due_at = excluded.due_at, overdue_at = excluded.overdue_at,
      tries = excluded.tries, tried_at = excluded.tried_at, policy = excluded.policy, policy_version = excluded.policy_version
$$;
revoke execute on function rekey.keep_standings() from public;
