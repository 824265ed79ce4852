-- Makes a KEK known by its name: `registered`, or `known` as it was before. A name stays its KEK's, and a KEK has one name:
-- `other_kek` and `other_name` say what is in the way (rekey.forget_kek).
create or replace function rekey.register_kek(kek_name text, kek_ident text) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rekey.kek_templates t where t.name = kek_name) then
    return 'other_kek';
  end if;
  if exists (select from rekey.tenant_keks t where t.kek_id = kek_ident) then
    return 'other_name'; -- a tenant's own
  end if;
  insert into rekey.keks (name, kek_id) values (kek_name, kek_ident) on conflict do nothing;
  if found then
    return 'registered';
  end if;
  return case
    when exists (select from rekey.keks k where k.name = kek_name and k.kek_id = kek_ident) then 'known'
    when exists (select from rekey.keks k where k.name = kek_name) then 'other_kek' else 'other_name' end;
end
$$;
revoke execute on function rekey.register_kek(text, text) from public;
