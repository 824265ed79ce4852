-- Waits for those who hold a compromised DEK by a lock row behind a given one, for a moment, so that another session can see
-- for whom (rekey.end_holders). No writer waits behind it. Raises 55P03 as long as there is one.
create or replace function rekey.wait_for_dek(dek uuid, behind integer) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('lock_timeout', '200ms', true);
  perform from rekey.dek_locks l join rekey.deks d on d.id = l.dek_id
    where l.dek_id = dek and l.slot > behind and l.closed_at is null and d.state = 'compromised'
    order by l.slot for update of l;
end
$$;
revoke execute on function rekey.wait_for_dek(uuid, integer) from public;
