-- Of a rotation, by target: how many records its proofs saw, how many there are by the count that triggers keep, and how
-- many came or went since the switch: by more than that the two cannot differ. Left out: what earlier versions proved.
create or replace function rekey.rotation_counts(rotation uuid)
returns table (target text, seen bigint, records bigint, churn bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select t.name, ranges.seen, kept.records, kept.churn - coalesce((r.churn_at_switch ->> t.name)::bigint, 0)
  from rekey.rotations r cross join rekey.targets t
    cross join lateral (
      select sum(g.seen)::bigint as seen, count(*) filter (where g.seen is null) as unseen
      from rekey.rotation_ranges g where g.rotation_id = r.id and g.target = t.name) ranges
    cross join lateral rekey.kept_count(r.tenant_id, t.name) kept
  where r.id = rotation and r.churn_at_switch is not null and t.retired_at is null and ranges.unseen = 0
    and ranges.seen is not null
$$;
revoke execute on function rekey.rotation_counts(uuid) from public;
