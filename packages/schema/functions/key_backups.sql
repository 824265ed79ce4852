-- Whether every backup that may hold records of a DEK is gone: whether the time that the operator declared has passed since a
-- completed rotation proved that nothing stood under it any more.
create or replace function rekey.key_backups(key rekey.deks, out state text, out evidence jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  horizon bigint := rekey.setting('backup_horizon_seconds');
  proof record;
begin
  select r.id, r.completed_at into proof from rekey.rotations r join rekey.deks n on n.id = r.new_dek_id
    where r.tenant_id = key.tenant_id and n.key_number > key.key_number and r.status = 'completed'
    order by r.completed_at limit 1;
  evidence := jsonb_build_object('horizonSeconds', horizon, 'emptySince', proof.completed_at,
    'provedBy', 'rot-' || proof.id);
  state := case
    when horizon is null or proof.id is null or proof.completed_at > clock_timestamp() - horizon * interval '1 second'
      then 'unmet'
    else 'met' end;
end
$$;
revoke execute on function rekey.key_backups(rekey.deks) from public;
