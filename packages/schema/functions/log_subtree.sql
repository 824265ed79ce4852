-- The hash over as many hashes as are a power of two, by RFC 9162.
create or replace function rekey.log_subtree(hashes bytea[]) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  level bytea[] := hashes;
  above bytea[];
begin
  while array_length(level, 1) > 1 loop
    above := '{}';
    for n in 1 .. array_length(level, 1) by 2 loop
      above := above || sha256('\x01'::bytea || level[n] || level[n + 1]);
    end loop;
    level := above;
  end loop;
  return level[1];
end
$$;
revoke execute on function rekey.log_subtree(bytea[]) from public;
