-- Whether a DEK that was under a compromised KEK was left: its KEK did not unwrap it, or the last rotation that was to replace
-- it since then ended otherwise than with everything re-encrypted.
create or replace function rekey.kek_compromise_failed(since timestamptz, rewrap uuid, dek uuid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select from rekey.rewrapped_deks w
      where w.rewrap_id = rewrap and w.dek_id = dek and w.set_aside_for is not null)
    or coalesce((select r.status in ('failed', 'completed_with_failures') from rekey.rotations r
      where r.previous_dek_id = dek and r.compromise and r.started_at >= since
      order by r.started_at desc limit 1), false)
$$;
revoke execute on function rekey.kek_compromise_failed(timestamptz, uuid, uuid) from public;
