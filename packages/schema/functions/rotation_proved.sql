-- Whether every part of every registered target was proved: ranges that lie edge to edge from minus to plus infinity, each
-- counted while no older DEK could be written under any more, whatever a clock says; that none can is asked once more.
-- Nothing here may be null: an aggregate passes over nulls, and an unproved range would go unseen.
create or replace function rekey.rotation_proved(rotation uuid) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
    where r.id = rotation and r.switched_at is not null and not exists (
      select from rekey.dek_locks l
      where l.tenant_id = r.tenant_id and l.closed_at is null and l.key_number <> d.key_number))
    and (select coalesce(bool_and(covered), false) from (
      select t.name, count(g.*) > 0 and coalesce(bool_and(
          g.proved_at is not null
          and g.lower_id is not distinct from g.edge_before
          and (g.upper_id is null) = g.is_last), false) as covered
      from rekey.targets t
      left join (
        select *, lag(upper_id) over (partition by target order by ordinal) as edge_before,
          lead(ordinal) over (partition by target order by ordinal) is null as is_last
        from rekey.rotation_ranges where rotation_id = rotation) g on g.target = t.name
      where t.retired_at is null group by t.name) targets);
end
$$;
