-- A rewrap passes over a DEK that its KEK does not unwrap, where the bytes that it tried still stand: it stays under that KEK.
create or replace function rekey.set_dek_aside(rewrap uuid, claimed_by uuid, dek uuid, old_wrapped bytea, why text)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.rewraps r where r.id = rewrap and r.owner = claimed_by and r.status = 'in_progress' for update;
  if not found then
    return false;
  end if;
  insert into rekey.rewrapped_deks (rewrap_id, dek_id, from_kek_id, set_aside_for, fingerprint)
    select rewrap, m.dek_id, m.kek_id, why, rekey.dek_fingerprint(m.dek_id) from rekey.dek_material m
    where m.dek_id = dek and m.wrapped = old_wrapped on conflict do nothing;
  if found then
    update rekey.rewraps r set set_aside = r.set_aside + 1, deks = greatest(r.deks, r.rewrapped + r.set_aside + 1)
      where r.id = rewrap;
    return true;
  end if;
  return false;
end
$$;
revoke execute on function rekey.set_dek_aside(uuid, uuid, uuid, bytea, text) from public;
