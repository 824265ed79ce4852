-- How far it is with a compromised KEK: of the DEKs that are or were under it, those that still are, those that may seal and
-- those that never will; what of it could not be done; rotations that are under way because of it.
create or replace function rekey.kek_compromise_state(compromise uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'keys', count(d.id),
    'keysUnder', count(d.id) filter (where m.kek_id = c.kek_id),
    'keysInUse', count(d.id) filter (where d.state in ('pre_active', 'active', 'deactivated')),
    'keysCompromised', count(d.id) filter (where d.state = 'compromised'),
    'keysDestroyed', count(d.id) filter (where d.state = 'destroyed'),
    'keysFailed', count(d.id) filter (where rekey.kek_compromise_failed(c.started_at, c.rewrap_id, d.id)),
    'rotationsUnderWay', (select count(*) from rekey.rotations r where r.compromise and r.status in ('in_progress', 'paused')
      and r.tenant_id in (select k.tenant_id from rekey.kek_compromise_deks k where k.compromise_id = c.id)))
  from rekey.kek_compromises c
    left join rekey.kek_compromise_deks k on k.compromise_id = c.id
    left join rekey.deks d on d.id = k.dek_id
    left join rekey.dek_material m on m.dek_id = d.id
  where c.id = compromise group by c.id
$$;
revoke execute on function rekey.kek_compromise_state(uuid) from public;
