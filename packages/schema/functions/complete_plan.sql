-- Ends a plan with what it came to; false: whoever calls has it no more.
create or replace function rekey.complete_plan(plan uuid, claimed_by uuid, progress_now jsonb, came_to jsonb) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.plans p set status = 'completed', completed_at = clock_timestamp(), progress = progress_now,
      estimate = came_to, owner = null, waiting_for = null, waiting_detail = null
    where p.id = plan and p.owner = claimed_by and p.status = 'in_progress';
  return found;
end
$$;
revoke execute on function rekey.complete_plan(uuid, uuid, jsonb, jsonb) from public;
