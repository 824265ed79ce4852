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
  field text;
  said bigint;
  most bigint;
  least bigint;
  problems jsonb := '[]';
begin
  -- A tenant's that leaves a field out has the default's. Never is above every most, and below no least.
  foreach field in array array['rotateEveryDays', 'rotateBeforeSeals', 'rewrapEveryDays', 'retireAfterDays'] loop
    continue when not wanted ? field and tenant is not null;
    said := (wanted ->> field)::bigint;
    most := (bounds ->> (field || 'Max'))::bigint;
    least := (bounds ->> (field || 'Min'))::bigint;
    if coalesce(said > most, most is not null) then
      problems := problems || jsonb_build_array(jsonb_build_object('field', field, 'problem', 'must be at most ' || most));
    end if;
    if said < least then
      problems := problems || jsonb_build_array(jsonb_build_object('field', field, 'problem', 'must be at least ' || least));
    end if;
  end loop;
  foreach field in array array['rotateEveryDays', 'rewrapEveryDays'] loop
    if (bounds ->> (field || 'Min'))::bigint > (bounds ->> (field || 'Max'))::bigint then
      problems := problems || jsonb_build_array(jsonb_build_object('field', 'bounds.' || field || 'Min',
        'problem', 'is above ' || field || 'Max'));
    end if;
  end loop;
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
