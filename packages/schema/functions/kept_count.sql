-- How many records a tenant has in a target, and how many ever came or went: what is folded and what was appended since,
-- read by one statement. A recount mends the count, and takes what
-- it appends for that back from the churn: it is no coming or going.
create or replace function rekey.kept_count(of_tenant uuid, target_name text, out records bigint, out churn bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(c.records), 0)::bigint, coalesce(sum(c.churn), 0)::bigint from (
    select c.records, c.churn from rekey.record_counts c where c.tenant_id = of_tenant and c.target = target_name
    union all
    select d.delta, abs(d.delta)
    from rekey.record_deltas d where d.tenant_id = of_tenant and d.target = target_name) c
$$;
