-- Makes a template known by its name and the words that tenants fill in: 'registered', 'known', or what is in the way:
-- 'other_parts', or 'other_kek', a KEK of that name.
create or replace function rekey.register_kek_template(template text, words text[]) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rekey.keks k where k.name = template) then
    return 'other_kek';
  end if;
  insert into rekey.kek_templates (name, parts) values (template, words) on conflict do nothing;
  if found then
    return 'registered';
  end if;
  return case when exists (select from rekey.kek_templates t where t.name = template and t.parts = words)
    then 'known' else 'other_parts' end;
end
$$;
revoke execute on function rekey.register_kek_template(text, text[]) from public;
