-- Stores what a DEK is recognised by, in the transaction that has just stored these very bytes of it; nothing where others stand,
-- or where they did before.
create or replace function rekey.note_dek_check(dek uuid, bytes bytea, value bytea) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rekey.dek_checks (dek_id, check_value)
    select m.dek_id, value from rekey.dek_material m
    where m.dek_id = dek and m.wrapped = bytes and m.xmin = pg_current_xact_id()::xid
    on conflict do nothing;
end
$$;
revoke execute on function rekey.note_dek_check(uuid, bytea, bytea) from public;
