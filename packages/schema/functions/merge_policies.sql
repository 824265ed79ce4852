-- What holds for a tenant: its own policy (null: it has none) over the default, field by field, within the default's bounds.
-- A field that is not there is the default's; null: never, or without limit. What a tenant set before the bounds were drawn
-- closer is brought within them here. A key stays for as long as either of both says.
create or replace function rekey.merge_policies(standard jsonb, own jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'rotateEveryDays', case when coalesce(m.days, b.days_max) is not null
      then greatest(least(m.days, b.days_max), coalesce(b.days_min, 1)) end,
    'rotateBeforeSeals', least(m.seals, b.seals_max),
    'destroyAfterDays', case when not coalesce(own ? 'destroyAfterDays', false) then (standard ->> 'destroyAfterDays')::bigint
      when standard ->> 'destroyAfterDays' is not null and own ->> 'destroyAfterDays' is not null
      then greatest((standard ->> 'destroyAfterDays')::bigint, (own ->> 'destroyAfterDays')::bigint) end,
    'windows', m.merged -> 'windows',
    'kek', m.merged -> 'kek')
  from (select standard -> 'bounds' as bounds) s,
    lateral (select (s.bounds ->> 'rotateEveryDaysMin')::bigint as days_min,
      (s.bounds ->> 'rotateEveryDaysMax')::bigint as days_max,
      (s.bounds ->> 'rotateBeforeSealsMax')::bigint as seals_max) b,
    lateral (select x.merged, (x.merged ->> 'rotateEveryDays')::bigint as days,
      (x.merged ->> 'rotateBeforeSeals')::bigint as seals
      from (select jsonb_build_object('windows', null, 'kek', null) || standard || coalesce(own, '{}') as merged) x) m
$$;
revoke execute on function rekey.merge_policies(jsonb, jsonb) from public;
