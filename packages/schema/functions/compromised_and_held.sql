-- The compromised DEKs that transactions still hold, and in how many milliseconds these may be ended.
create or replace function rekey.compromised_and_held()
returns table (dek_id uuid, tenant_id uuid, rotation_id uuid, patience_ms double precision)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select c.dek_id, c.tenant_id, c.rotation_id, greatest(0, 1000 * (rekey.setting('compromise_patience_seconds')
    - extract(epoch from clock_timestamp() - c.declared_at)))::double precision
  from rekey.dek_drains h join rekey.dek_compromises c on c.dek_id = h.dek_id join rekey.deks d on d.id = c.dek_id
  where d.state = 'compromised'
    and exists (select from rekey.dek_locks l where l.dek_id = c.dek_id and l.closed_at is null)
$$;
revoke execute on function rekey.compromised_and_held() from public;
