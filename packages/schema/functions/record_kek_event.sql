-- A KEK got a name or lost it, when its transaction commits. In the chain of the installation.
create or replace function rekey.record_kek_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  named rekey.keks := case tg_op when 'DELETE' then old else new end;
begin
  perform rekey.append_event(null, case tg_op when 'DELETE' then 'kek.forgotten' else 'kek.registered' end, null,
    jsonb_build_object('kek', named.name, 'kekId', named.kek_id));
  return null;
end
$$;
