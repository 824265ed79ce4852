-- Binds a plan to the rotation that the same transaction starts: `used`, or why not. From here on is counted what it takes.
create or replace function rekey.use_plan(plan uuid, rotation uuid, tenant uuid) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  meant rekey.plans;
begin
  select * into meant from rekey.plans p
    where p.id = plan and p.tenant_id = tenant and p.started_at > clock_timestamp() - interval '30 days' for update;
  if not found then
    return 'not_found';
  end if;
  if meant.status <> 'completed' then
    return 'unfinished';
  end if;
  if meant.rotation_id is not null then
    return 'used_before';
  end if;
  if not exists (select from rekey.rotations r where r.id = rotation and r.tenant_id = tenant and r.completed_at is null) then
    raise exception 'There is no such rotation to plan' using errcode = 'RK002';
  end if;
  update rekey.plans p set rotation_id = rotation, wal_begin = pg_current_wal_insert_lsn() where p.id = plan;
  return 'used';
end
$$;
revoke execute on function rekey.use_plan(uuid, uuid, uuid) from public;
