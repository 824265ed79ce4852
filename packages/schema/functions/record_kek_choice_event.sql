-- A tenant's KEK was chosen, or a worker found what came of that: in the tenant's chain.
create or replace function rekey.record_kek_choice_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and (new.id, new.state) is not distinct from (old.id, old.state) then
    return null; -- one more attempt
  end if;
  perform rekey.append_event(new.tenant_id,
    case when new.state = 'pending' then 'kek.chosen' when new.state = 'refused' then 'kek.refused' else 'kek.activated' end,
    null, jsonb_strip_nulls(jsonb_build_object('kek', new.kek_name, 'parts', nullif(new.parts, '{}'),
      'kekId', case when new.state = 'active' then new.active_kek_id end, 'trouble', new.trouble,
      'reason', nullif(current_setting('rekey.reason', true), ''))));
  return null;
end
$$;
