-- The proof's count, to be run by anyone: a tenant's records ($1) per table, and how many of them are not under the
-- DEK that must be the only one ($2).
select 'credentials' as target, count(*) as records,
    count(*) filter (where d.id is distinct from $2::uuid) as elsewhere
  from public.credentials r
    left join rekey.deks d on d.tenant_id = r.tenant_id and d.key_number = r.key_number
  where r.tenant_id = $1
union all
select 'api_keys', count(*), count(*) filter (where d.id is distinct from $2::uuid)
  from public.api_keys r
    left join rekey.deks d on d.tenant_id = r.tenant_id and d.key_number = r.key_number
  where r.tenant_id = $1
union all
select 'secrets', count(*), count(*) filter (where d.id is distinct from $2::uuid)
  from public.secrets r
    left join rekey.deks d on d.tenant_id = r.tenant_id and d.key_number = r.key_number
  where r.tenant_id = $1
