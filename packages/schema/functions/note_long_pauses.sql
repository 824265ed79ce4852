-- The rotations that have been paused for so long, each once while it is: whoever calls this tells somebody of them.
create or replace function rekey.note_long_pauses(longer_than interval)
returns table (rotation_id uuid, tenant_id uuid, paused_at timestamptz)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    update rekey.rotations r set waiting_detail = coalesce(r.waiting_detail, '{}') || '{"told": true}'
    where r.id in (
      select p.id from rekey.rotations p
      -- Nobody gives a sign of life for it while it is paused.
      where p.status in ('in_progress', 'paused') and p.status = 'paused' and p.heartbeat_at < clock_timestamp() - longer_than
        and (p.waiting_detail -> 'told') is null
      -- One that is just being resumed needs nobody.
      for no key update skip locked)
    returning r.id, r.tenant_id, r.heartbeat_at;
end
$$;
