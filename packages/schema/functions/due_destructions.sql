-- DEKs whose grace period is over, those first that were tried longest ago; none of them again within a minute.
create or replace function rekey.due_destructions(at_most integer) returns setof uuid
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    update rekey.key_destructions r set tried_at = clock_timestamp()
    where r.dek_id in (
      select t.dek_id from rekey.key_destructions t join rekey.deks d on d.id = t.dek_id
      where t.due_at <= clock_timestamp() and d.state <> 'destroyed'
        and (t.tried_at is null or t.tried_at < clock_timestamp() - interval '1 minute')
      order by t.tried_at nulls first limit at_most for update of t skip locked)
    returning r.dek_id;
end
$$;
revoke execute on function rekey.due_destructions(integer) from public;
