-- Takes a name out of the register, so that it may be another KEK's. False: there is none. Refused while DEKs are under that
-- KEK, a rewrap is to bring them there, or one that is compromised is being replaced.
create or replace function rekey.forget_kek(kek_name text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  known rekey.keks;
begin
  select * into known from rekey.keks k where k.name = kek_name for update;
  if not found then
    return false;
  end if;
  if exists (select from rekey.dek_material m where m.kek_id = known.kek_id)
    or exists (select from rekey.rewraps r where r.kek_id = known.kek_id and r.status in ('in_progress', 'paused'))
    or exists (select from rekey.kek_compromises c
      where c.status = 'in_progress' and known.kek_id in (c.kek_id, c.target_kek_id)) then
    raise exception 'The KEK % is in use', kek_name using errcode = 'RK002';
  end if;
  delete from rekey.keks k where k.name = kek_name;
  return true;
end
$$;
revoke execute on function rekey.forget_kek(text) from public;
