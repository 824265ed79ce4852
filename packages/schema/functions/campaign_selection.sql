-- Whom a campaign is for, of exactly one kind: all that have a DEK in use; those with DEKs under this KEK (in use, or with
-- out_of_use_too also others that are stored); those whose DEK in use is older than so many days; or these. With how many
-- records each has, as they are counted anyway, and since when its DEK is in use.
create or replace function rekey.campaign_selection(on_kek_id text, out_of_use_too boolean, older_days integer, ids uuid[])
returns table (tenant_id uuid, items bigint, activated_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with live as (select t.name from rekey.targets t where t.retired_at is null),
    counted as (
      select k.tenant_id, sum(k.records) as items from (
        select c.tenant_id, c.records from rekey.record_counts c join live on live.name = c.target
        union all
        select d.tenant_id, d.delta from rekey.record_deltas d join live on live.name = d.target) k
      group by 1)
  select t.id, greatest(0, coalesce(c.items, 0))::bigint, coalesce(a.activated_at, a.created_at)
  from rekey.tenants t
    left join rekey.deks a on a.tenant_id = t.id and a.state = 'active'
    left join counted c on c.tenant_id = t.id
  where (ids is null and a.id is not null or t.id = any (ids))
    and (older_days is null or coalesce(a.activated_at, a.created_at) < clock_timestamp() - make_interval(days => older_days))
    and (on_kek_id is null or exists (
      select from rekey.deks d join rekey.dek_material m on m.dek_id = d.id
      where d.tenant_id = t.id and m.kek_id = on_kek_id
        and (d.state = 'active' or out_of_use_too and d.state <> 'destroyed')))
$$;
revoke execute on function rekey.campaign_selection(text, boolean, integer, uuid[]) from public;
