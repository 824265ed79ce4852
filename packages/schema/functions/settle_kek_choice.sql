-- What a worker found of a chosen KEK. With its id: it wrapped and unwrapped with it. Without: `met`, and whether that is for
-- good. The state that it is in then; null: something else was chosen meanwhile.
--
-- A KEK made from a template is its tenant's for ever. One that is another tenant's, or that other DEKs are under, or that the
-- configuration names, is nobody's to choose.
create or replace function rekey.settle_kek_choice(choice uuid, kek text, met text, for_good boolean) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  chosen rekey.kek_choices;
  is_shared boolean;
begin
  select * into chosen from rekey.kek_choices c where c.id = choice and c.state = 'pending' for update;
  if not found then
    return null;
  end if;
  if kek is null then
    update rekey.kek_choices c set state = case when for_good then 'refused' else c.state end, trouble = met
      where c.id = choice;
    return case when for_good then 'refused' else 'pending' end;
  end if;
  is_shared := exists (select from rekey.keks k where k.name = chosen.kek_name and k.kek_id = kek);
  if not is_shared then
    insert into rekey.tenant_keks (kek_id, tenant_id, template, parts)
      select kek, chosen.tenant_id, chosen.kek_name, chosen.parts
      where not exists (select from rekey.keks k where k.kek_id = kek)
        and not exists (select from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
          where m.kek_id = kek and d.tenant_id <> chosen.tenant_id)
      on conflict do nothing;
    perform from rekey.tenant_keks t where t.kek_id = kek and t.tenant_id = chosen.tenant_id;
    if not found then
      update rekey.kek_choices c set state = 'refused', trouble = 'KEK_TAKEN' where c.id = choice;
      return 'refused';
    end if;
  end if;
  update rekey.kek_choices c set state = 'active', trouble = null, active_name = c.kek_name, active_kek_id = kek,
      activated_at = clock_timestamp()
    where c.id = choice;
  return 'active';
end
$$;
revoke execute on function rekey.settle_kek_choice(uuid, text, text, boolean) from public;
