-- Whose a KEK is that was made from a template, and what of. No row: of nobody.
create or replace function rekey.find_tenant_kek(wanted text)
returns table (tenant_id uuid, template text, parts jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select k.tenant_id, k.template, k.parts from rekey.tenant_keks k where k.kek_id = wanted $$;
revoke execute on function rekey.find_tenant_kek(text) from public;
