-- A worker's sign of life for the plan that it has, with how far it is (null: as before) and what it waits for; false: it has
-- it no more. With `leaves` it gives it back. Since when it waits for that is by this clock, whichever worker began to; what
-- one worker lacks (`ofOneWorker`) says nothing against what a KMS has told another one a minute ago.
create or replace function rekey.note_plan(
  plan uuid, claimed_by uuid, progress_now jsonb, waits_for text, detail jsonb, leaves boolean
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.plans p set heartbeat_at = clock_timestamp(), progress = coalesce(progress_now, p.progress),
      waiting_for = case when n.stays then p.waiting_for else waits_for end,
      waiting_detail = case when n.stays then p.waiting_detail else detail - 'ofOneWorker' || jsonb_build_object(
        'at', clock_timestamp(), 'since', coalesce(case when p.waiting_for = waits_for then p.waiting_detail ->> 'since' end,
          to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) end,
      owner = case when not leaves then claimed_by end
    from (select coalesce(detail -> 'ofOneWorker' = 'true' and w.waiting_for = 'kek_suspended'
        and (w.waiting_detail ->> 'at')::timestamptz between clock_timestamp() - interval '60 seconds'
          and clock_timestamp() + interval '10 seconds', false) as stays
      from rekey.plans w where w.id = plan) n
    where p.id = plan and p.owner = claimed_by and p.status = 'in_progress';
  return found;
end
$$;
revoke execute on function rekey.note_plan(uuid, uuid, jsonb, text, jsonb, boolean) from public;
