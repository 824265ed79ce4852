-- What holds for a tenant: its own policy (null: it has none) over the default, field by field, within the default's bounds.
-- A field that is not there is the default's; null: never, or without limit. What a tenant set before the bounds were drawn
-- closer is brought within them here. A key stays for as long as either of both says. In plpgsql, without a query: it is
-- called for each different policy whenever somebody asks what is due.
create or replace function rekey.merge_policies(standard jsonb, own jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  merged constant jsonb := '{"windows": null, "kek": null}'::jsonb || standard || coalesce(own, '{}');
  bounds constant jsonb := standard -> 'bounds';
  days bigint := coalesce((merged ->> 'rotateEveryDays')::bigint, (bounds ->> 'rotateEveryDaysMax')::bigint);
  rewrap_days bigint := least((merged ->> 'rewrapEveryDays')::bigint, (bounds ->> 'rewrapEveryDaysMax')::bigint);
  destroy_after bigint := (standard ->> 'destroyAfterDays')::bigint;
begin
  if days is not null then
    days := greatest(least(days, (bounds ->> 'rotateEveryDaysMax')::bigint),
      coalesce((bounds ->> 'rotateEveryDaysMin')::bigint, 1));
  end if;
  if own ? 'destroyAfterDays' then
    -- Never is the longest.
    destroy_after := case when destroy_after is not null and own ->> 'destroyAfterDays' is not null
      then greatest(destroy_after, (own ->> 'destroyAfterDays')::bigint) end;
  end if;
  return jsonb_build_object(
    'rotateEveryDays', days,
    'rotateBeforeSeals', least((merged ->> 'rotateBeforeSeals')::bigint, (bounds ->> 'rotateBeforeSealsMax')::bigint),
    'rewrapEveryDays', case when rewrap_days is not null then
      greatest(rewrap_days, coalesce((bounds ->> 'rewrapEveryDaysMin')::bigint, 1)) end,
    'retireAfterDays', least((merged ->> 'retireAfterDays')::bigint, (bounds ->> 'retireAfterDaysMax')::bigint),
    'destroyAfterDays', destroy_after,
    'windows', merged -> 'windows',
    'kek', merged -> 'kek');
end
$$;
revoke execute on function rekey.merge_policies(jsonb, jsonb) from public;
