-- The place of a rotation is taken by one of the same tenant because of a compromised key. Looked at when the transaction
-- commits, as the foreign key is: that one begins after the other has ended.
create or replace function rekey.guard_superseding() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.rotations r where r.id = new.superseded_by and r.tenant_id = new.tenant_id and r.compromise;
  if not found then
    raise exception 'Rotation % is superseded by none of its tenant because of a compromised key', new.id
      using errcode = 'RK005';
  end if;
  return null;
end
$$;
