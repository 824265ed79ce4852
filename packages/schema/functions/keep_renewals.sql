-- Finds out how old the wrapping of each tenant's DEKs is by its policy, and writes down what has changed since, as
-- rekey.keep_standings does. For whoever holds rekey.take_renewal_round.
create or replace function rekey.keep_renewals() returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with standing as materialized (
    select * from rekey.renewal_standing(null)
  ), gone as (
    delete from rekey.policy_renewals p
    where not exists (select from standing s where s.tenant_id = p.tenant_id)
  )
  insert into rekey.policy_renewals as p (tenant_id, level, dek_id, wrapped_at, due_at, overdue_at, tries, tried_at, kek_name, kek_id,
      windows, policy_version)
    select s.tenant_id, s.level, s.dek_id, s.wrapped_at, s.due_at, s.overdue_at, s.tries, s.tried_at, s.kek_name, s.kek_id,
      s.windows, s.policy_version
    from standing s left join rekey.policy_renewals o on o.tenant_id = s.tenant_id
    where (o.level, o.dek_id, o.wrapped_at, o.due_at, o.overdue_at, o.tries, o.tried_at, o.kek_name, o.kek_id, o.windows, o.policy_version)
      is distinct from (s.level, s.dek_id, s.wrapped_at, s.due_at, s.overdue_at, s.tries, s.tried_at, s.kek_name, s.kek_id,
        s.windows, s.policy_version)
    on conflict (tenant_id) do update set level = excluded.level, dek_id = excluded.dek_id, wrapped_at = excluded.wrapped_at,
      due_at = excluded.due_at, overdue_at = excluded.overdue_at, tries = excluded.tries, tried_at = excluded.tried_at,
      kek_name = excluded.kek_name, kek_id = excluded.kek_id, windows = excluded.windows,
      policy_version = excluded.policy_version,
      told = case when (p.dek_id, p.wrapped_at) = (excluded.dek_id, excluded.wrapped_at) then p.told end
$$;
revoke execute on function rekey.keep_renewals() from public;
