-- What the API tells of DEKs, by tenant and key number: those of a tenant, a state, a KEK, an id, behind a place; what is null
-- does not count. A draining one is one whose locks some transaction still holds.
create or replace function rekey.key_facts(
  of_tenant uuid, with_state text, under_kek text, with_id uuid, after_tenant uuid, after_number integer, at_most integer
) returns table (
  id uuid, tenant_id uuid, key_number integer, state text, created_at timestamptz, activated_at timestamptz,
  deactivated_at timestamptz, destroyed_at timestamptz, draining boolean, kek_id text, wrap_version integer,
  wrapped_at timestamptz, seals bigint, last_used_at timestamptz, processes bigint, due_at timestamptz
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select d.id, d.tenant_id, d.key_number, d.state, d.created_at, d.activated_at, d.deactivated_at, d.destroyed_at,
      d.state <> 'active' and exists (select from rekey.dek_locks l where l.dek_id = d.id and l.closed_at is null),
      d.kek_id, d.wrap_version, d.wrapped_at,
      (select c.seals::bigint from rekey.dek_seal_counts c where c.dek_id = d.id),
      greatest((select max(o.last_opened_at) from rekey.process_deks o where o.dek_id = d.id),
        (select o.last_opened_at from rekey.dek_openings o where o.dek_id = d.id)),
      (select count(*) from rekey.process_deks o join rekey.processes p on p.id = o.process_id
        where o.dek_id = d.id and rekey.process_state(p.heartbeat_at, p.ended_at) = 'live'),
      case when d.state <> 'destroyed' then
        (select r.due_at from rekey.key_destructions r where r.dek_id = d.id) end
    from (
      select k.*, m.kek_id, m.wrap_version, m.wrapped_at
      from rekey.deks k left join rekey.dek_material m on m.dek_id = k.id
      where (of_tenant is null or k.tenant_id = of_tenant) and (with_state is null or k.state = with_state)
        and (under_kek is null or m.kek_id = under_kek) and (with_id is null or k.id = with_id)
        and (after_tenant is null or (k.tenant_id, k.key_number) > (after_tenant, after_number))
      order by k.tenant_id, k.key_number limit at_most) d
    order by d.tenant_id, d.key_number;
end
$$;
revoke execute on function rekey.key_facts(uuid, text, text, uuid, uuid, integer, integer) from public;
