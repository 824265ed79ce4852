-- Adds to an operation the DEKs that are under its KEK, and those that a rewrap took away from it before: whoever has that KEK
-- and an old backup has them.
create or replace function rekey.find_compromised(compromise rekey.kek_compromises) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into rekey.kek_compromise_deks (compromise_id, dek_id, tenant_id)
    select compromise.id, d.id, d.tenant_id from rekey.deks d
    where d.id in (select m.dek_id from rekey.dek_material m where m.kek_id = compromise.kek_id
      union select w.dek_id from rekey.rewrapped_deks w where w.from_kek_id = compromise.kek_id)
    on conflict do nothing
$$;
revoke execute on function rekey.find_compromised(rekey.kek_compromises) from public;
