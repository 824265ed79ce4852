-- Keeps the digests of these functions of the schema as they stand now, or forgets those that are gone; without names,
-- of all. For whoever has just made them.
create or replace function rekey.remember_functions(names text[] default null) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from rekey.function_digests f where names is null or f.name = any (names);
  insert into rekey.function_digests (name, arguments, digest, function_oid, row_made_by)
    select p.proname, p.pronargs, rekey.function_digest(p.prosrc, p.prosecdef, p.proconfig), p.oid, p.xmin
    from pg_proc p where p.pronamespace = 'rekey'::regnamespace and (names is null or p.proname = any (names))
    on conflict do nothing;
end
$$;
