-- What keeps a rotation whose every range is proved from being completed: what the proofs rest on, and a count that is kept
-- independently of them and says something else.
create or replace function rekey.completion_problems(rotation uuid)
returns table (target text, code text, problem text, todo text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select p.target, p.code, p.problem, p.todo
    from rekey.rotations r, rekey.integrity_problems(r.tenant_id) p where r.id = rotation
    union all
    select t.name, 'COLLATION', format('The ids of %s stand in another order than when its ranges were cut: %s, and not %s.',
        t.table_name, coalesce(here.id_order, 'none'), g.id_order),
      format('reindex the table if it was not made anew, then: select rekey.repair_target(%L)', t.name)
    from rekey.targets t cross join lateral (select rekey.id_order(t.name) as id_order offset 0) here
      cross join lateral (select r.id_order from rekey.rotation_ranges r where r.rotation_id = rotation and r.target = t.name
        and r.id_order is not null and r.id_order is distinct from here.id_order limit 1) g
    where t.id_type = 'text' and t.retired_at is null
    union all
    select c.target, 'COUNT', format(
        'The proofs of %s saw %s records where the count that is kept says %s, with %s changes since the switch.',
        c.target, c.seen, c.records, c.churn),
      format('find what hides records or bypasses triggers, reindex the table, then: select rekey.repair_target(%L); or cancel and rotate again',
        c.target)
    from rekey.rotation_counts(rotation) c where abs(c.seen - c.records) > c.churn;
end
$$;
revoke execute on function rekey.completion_problems(uuid) from public;
