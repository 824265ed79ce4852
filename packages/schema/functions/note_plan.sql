-- A worker's sign of life for the plan that it has, with how far it is (null: as before) and what it waits for; false: it has
-- it no more. With `leaves` it gives it back.
create or replace function rekey.note_plan(
  plan uuid, claimed_by uuid, progress_now jsonb, waits_for text, detail jsonb, leaves boolean
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.plans p set heartbeat_at = clock_timestamp(), progress = coalesce(progress_now, p.progress),
      waiting_for = waits_for, waiting_detail = detail, owner = case when not leaves then claimed_by end
    where p.id = plan and p.owner = claimed_by and p.status = 'in_progress';
  return found;
end
$$;
revoke execute on function rekey.note_plan(uuid, uuid, jsonb, text, jsonb, boolean) from public;
