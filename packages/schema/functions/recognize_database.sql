-- For whoever starts: whether this database is the one that it was when it was last looked at. 'same'; 'first': never
-- looked at; 'promoted': the same, after a failover or a recovery to a moment; 'restored': another one, out of a backup or
-- a copy. There the registered tables have other identities, which are taken over by their names.
create or replace function rekey.recognize_database() returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  here text := rekey.database_id();
  timeline_here text := rekey.database_timeline();
  last rekey.database_sightings;
begin
  update rekey.targets t set table_oid = to_regclass(t.table_name), database_id = here
    where coalesce(t.retired_at, 'infinity') = 'infinity' and t.database_id is distinct from here and to_regclass(t.table_name) is not null;
  perform rekey.note_function_rows();
  select * into last from rekey.database_sightings s order by s.id desc limit 1;
  if last.database_id = here and last.timeline = timeline_here then
    return 'same';
  end if;
  insert into rekey.database_sightings (database_id, timeline) values (here, timeline_here);
  return case when last.database_id is null then 'first' when last.database_id = here then 'promoted' else 'restored' end;
end
$$;
revoke execute on function rekey.recognize_database() from public;
