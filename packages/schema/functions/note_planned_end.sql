-- A rotation that was started with a plan has ended: by then the server had written so much WAL.
create or replace function rekey.note_planned_end() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.plans p set wal_end = pg_current_wal_insert_lsn() where p.rotation_id = new.id and p.wal_end is null;
  return null;
end
$$;
