-- What the rows say of completed work, by what it is; null: it is not completed.
create or replace function rekey.facts_to_certify(kind text, subject uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select case kind when 'rotation' then rekey.certificate_facts(subject) when 'rewrap' then rekey.rewrap_facts(subject)
    when 'destruction' then rekey.destroyed_facts(subject) end
$$;
revoke execute on function rekey.facts_to_certify(text, uuid) from public;
