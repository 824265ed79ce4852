-- A KEK was declared compromised, or all that follows from it is done, when its transaction commits: in the chain of the
-- installation.
create or replace function rekey.record_kek_compromise_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(null,
    case when tg_op = 'INSERT' then 'kek.compromised' else 'kek.compromise_' || new.status end, null,
    jsonb_build_object('compromiseId', new.id, 'kek', new.kek_name, 'kekId', new.kek_id, 'replacedBy', new.target_name,
      'replacedById', new.target_kek_id, 'forced', new.forced, 'reason', new.reason)
    || case when tg_op = 'UPDATE' then rekey.kek_compromise_state(new.id) else '{}' end);
  return null;
end
$$;
