-- A right that is granted or taken makes another row of a function, whose text would be digested at every look from then on
-- (rekey.integrity_problems): here it is digested once, and the row noted. What was altered is not.
create or replace function rekey.note_function_rows() returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  update rekey.function_digests f set function_oid = p.oid, row_made_by = p.xmin
    from pg_proc p
    where p.pronamespace = 'rekey'::regnamespace and p.proname = f.name and p.pronargs = f.arguments
      and (p.oid <> f.function_oid or p.xmin <> f.row_made_by)
      and rekey.function_digest(p.prosrc, p.prosecdef, p.proconfig) = f.digest
$$;
revoke execute on function rekey.note_function_rows() from public;
