-- The chain of the installation. Workers put it under each checkpoint, so that whoever verifies an export knows whose events
-- allow what.
create or replace function rekey.installation_chain() returns uuid
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select i.id from rekey.installation i
$$;
revoke execute on function rekey.installation_chain() from public;
