-- For a rotation that only counts keep from its end: counts the tenant's records of those targets once more, mends the kept
-- count where it is off, and says so. Nothing where something else is in doubt, and at most once a minute: it reads the
-- tables through. The proofs are not touched: if it was they that saw less, the doubt stays.
create or replace function rekey.settle_counts(rotation uuid) returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  doubted record;
  off_by bigint;
begin
  if exists (select from rekey.completion_problems(rotation) p where p.code <> 'COUNT') then
    return;
  end if;
  update rekey.rotations r set recounted_at = clock_timestamp()
    where r.id = rotation and r.status = 'in_progress'
      and coalesce(r.recounted_at < clock_timestamp() - interval '1 minute', true);
  if not found then
    return;
  end if;
  for doubted in
    select c.target, r.tenant_id from rekey.rotation_counts(rotation) c join rekey.rotations r on r.id = rotation
    where abs(c.seen - c.records) > c.churn
  loop
    off_by := rekey.recount_tenant(doubted.target, doubted.tenant_id);
    if off_by is not null then
      return next format('The kept count of %s was off by %s and was mended: something writes past its triggers.',
        doubted.target, off_by);
    end if;
  end loop;
end
$$;
revoke execute on function rekey.settle_counts(uuid) from public;
