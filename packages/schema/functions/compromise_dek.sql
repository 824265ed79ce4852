-- Declares a DEK that is out of use compromised: it opens, and never seals again. False: it is in another state.
create or replace function rekey.compromise_dek(dek uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return rekey.mark_compromised(dek, null);
end
$$;
