-- Destroys a DEK that is out of use, with its material: irreversible. Refused (RK003) unless all of
-- rekey.destruction_conditions hold in this transaction, whoever calls it. False: it is in another state, or there is none.
create or replace function rekey.destroy_dek(dek uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  stood jsonb;
  refused jsonb;
begin
  perform from rekey.deks d where d.id = dek and d.state in ('deactivated', 'compromised') for update;
  if not found then
    return false;
  end if;
  -- So that nobody takes it back, or agrees to it, meanwhile.
  perform from rekey.key_destructions r where r.dek_id = dek for update;
  select jsonb_agg(to_jsonb(c)) into stood from rekey.destruction_conditions(dek) c;
  refused := rekey.refused_conditions(stood);
  if refused is not null then
    raise exception 'DEK % is not to be destroyed: % holds not, or is not known',
      dek, (select string_agg(c ->> 'name', ', ') from jsonb_array_elements(refused) c)
      using errcode = 'RK003', detail = refused::text, hint = 'select * from rekey.destruction_conditions(…)';
  end if;
  -- For its certificate: they can never be looked at again.
  update rekey.key_destructions r set conditions = stood, kek_id = m.kek_id,
      kek_version = rekey.kek_version_of(m.kek_uri, m.wrapped)
    from rekey.deks d left join rekey.dek_material m on m.dek_id = d.id
    where r.dek_id = dek and d.id = dek;
  update rekey.deks d set state = 'destroyed', destroyed_at = now() where d.id = dek;
  -- Another row of the same length takes the place of the bytes in the table, before there is none.
  update rekey.dek_material m set wrapped = decode(repeat('00', octet_length(m.wrapped)), 'hex'),
      wrap_version = m.wrap_version + 1
    where m.dek_id = dek;
  delete from rekey.dek_material m where m.dek_id = dek;
  return true;
end
$$;
