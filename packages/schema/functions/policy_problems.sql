-- What keeps a policy from being put, as [{"field", "problem"}]: fields outside of the bounds that the default sets, or the default
-- outside of its own; and a KEK that no configuration names. Shapes are the caller's to check.
create or replace function rekey.policy_problems(tenant uuid, wanted jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  standard jsonb := case when tenant is null then wanted
    else coalesce((select p.policy from rekey.latest_policy(null) p), '{}') end;
  bounds jsonb := coalesce(nullif(standard -> 'bounds', 'null'), '{}');
  days bigint := (wanted ->> 'rotateEveryDays')::bigint;
  problems jsonb := '[]';
begin
  -- A tenant's that leaves a field out has the default's.
  if wanted ? 'rotateEveryDays' or tenant is null then
    if days > (bounds ->> 'rotateEveryDaysMax')::bigint or days is null and bounds ->> 'rotateEveryDaysMax' is not null then
      problems := problems || jsonb_build_array(jsonb_build_object('field', 'rotateEveryDays',
        'problem', 'must be at most ' || (bounds ->> 'rotateEveryDaysMax')));
    end if;
    if days < (bounds ->> 'rotateEveryDaysMin')::bigint then
      problems := problems || jsonb_build_array(jsonb_build_object('field', 'rotateEveryDays',
        'problem', 'must be at least ' || (bounds ->> 'rotateEveryDaysMin')));
    end if;
  end if;
  if (wanted ? 'rotateBeforeSeals' or tenant is null) and bounds ->> 'rotateBeforeSealsMax' is not null
    and coalesce((wanted ->> 'rotateBeforeSeals')::bigint > (bounds ->> 'rotateBeforeSealsMax')::bigint, true) then
    problems := problems || jsonb_build_array(jsonb_build_object('field', 'rotateBeforeSeals',
      'problem', 'must be at most ' || (bounds ->> 'rotateBeforeSealsMax')));
  end if;
  if (bounds ->> 'rotateEveryDaysMin')::bigint > (bounds ->> 'rotateEveryDaysMax')::bigint then
    problems := problems || '[{"field": "bounds.rotateEveryDaysMin", "problem": "is above rotateEveryDaysMax"}]';
  end if;
  -- Keys are kept longer than the default says, never shorter.
  if tenant is not null and wanted ? 'destroyAfterDays' and wanted ->> 'destroyAfterDays' is not null
    and coalesce((wanted ->> 'destroyAfterDays')::bigint < (standard ->> 'destroyAfterDays')::bigint, true) then
    problems := problems || jsonb_build_array(jsonb_build_object('field', 'destroyAfterDays',
      'problem', 'must not be shorter than the default: ' || coalesce(standard ->> 'destroyAfterDays', 'never')));
  end if;
  if wanted ->> 'kek' is not null and not exists (select from rekey.keks k where k.name = wanted ->> 'kek') then
    problems := problems || '[{"field": "kek", "problem": "is no KEK that a worker has by name"}]';
  end if;
  return problems;
end
$$;
revoke execute on function rekey.policy_problems(uuid, jsonb) from public;
