-- A worker's sign of life for the rewrap that it has, with calls of KMSs since the last one and what it waits for; false: it
-- has it no more. With `leaves` it gives it back. Since when it waits for that is by this clock, whichever worker began to.
create or replace function rekey.note_rewrap(
  rewrap uuid, claimed_by uuid, calls bigint, waits_for text, detail jsonb, leaves boolean
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rewraps r set heartbeat_at = clock_timestamp(), kms_calls = r.kms_calls + greatest(calls, 0),
      waiting_for = waits_for, waiting_detail = detail || jsonb_build_object('since', coalesce(
        case when r.waiting_for = waits_for then r.waiting_detail ->> 'since' end,
        to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))),
      owner = case when not leaves then claimed_by end
    where r.id = rewrap and r.owner = claimed_by and r.status = 'in_progress';
  return found;
end
$$;
revoke execute on function rekey.note_rewrap(uuid, uuid, bigint, text, jsonb, boolean) from public;
