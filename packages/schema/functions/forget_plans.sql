-- Deletes plans of more than thirty days, some at a time, and ends those that could not be made within a day, so that none holds
-- its tenant's place for ever.
create or replace function rekey.forget_plans() returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  at_most constant integer := 1000;
  forgotten integer;
begin
  update rekey.plans p set status = 'failed', completed_at = clock_timestamp(), owner = null
    where p.status = 'in_progress' and p.started_at < clock_timestamp() - interval '1 day';
  delete from rekey.plans p where p.id in (
    select o.id from rekey.plans o where o.started_at < clock_timestamp() - interval '30 days'
    order by o.started_at limit at_most for update skip locked);
  get diagnostics forgotten = row_count;
  return forgotten;
end
$$;
revoke execute on function rekey.forget_plans() from public;
