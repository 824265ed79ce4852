-- Takes a template out of the register, so that its name may be another's. False: there is none. Refused while a tenant has a KEK
-- of it, or waits for one.
create or replace function rekey.forget_kek_template(template_name text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.kek_templates t where t.name = template_name for update;
  if not found then
    return false;
  end if;
  if exists (select from rekey.tenant_keks k where k.template = template_name)
    or exists (select from rekey.kek_choices c where c.kek_name = template_name and c.state = 'pending') then
    raise exception 'The template % is in use', template_name using errcode = 'RK002';
  end if;
  delete from rekey.kek_templates t where t.name = template_name;
  return true;
end
$$;
revoke execute on function rekey.forget_kek_template(text) from public;
