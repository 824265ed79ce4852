-- The DEKs of a tenant that have material, by key number, as rekey.wrapped_deks tells processes of the version before, and what
-- each is recognised by once it was unwrapped; null: it was stored by such a process.
create or replace function rekey.stored_deks(tenant uuid, with_number integer, with_ids uuid[], with_state text)
returns table (id uuid, key_number integer, state text, kek_uri text, wrapped bytea, material_id uuid, kek_id text,
  check_value bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select d.id, d.key_number, d.state, m.kek_uri, m.wrapped, i.material_id, m.kek_id, c.check_value
    from rekey.deks d join rekey.dek_material m on m.dek_id = d.id join rekey.dek_identities i on i.dek_id = d.id
      left join rekey.dek_checks c on c.dek_id = d.id
    where d.tenant_id = tenant and d.state <> 'destroyed' and (with_number is null or d.key_number = with_number)
      and (with_ids is null or d.id = any (with_ids)) and (with_state is null or d.state = with_state)
    order by d.key_number;
end
$$;
