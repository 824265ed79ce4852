-- Stores the wrapped bytes of a reserved DEK unless some were stored before; whoever calls this reads the row back and uses
-- only what stands there. Refused when the DEK is not pre_active any more (rekey.guard_dek_material). Vaults are told.
-- Processes of the version before do not name the KEK by its identity: rekey.guard_dek_material finds it.
create or replace function rekey.store_material(dek uuid, kek text, bytes bytea, kek_ident text default null) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A worker of the version before knows of no other KEK than its own.
  if exists (select from rekey.rotations r where r.new_dek_id = dek and r.kek_id is distinct from kek_ident
      and r.kek_id is not null) then
    raise exception 'The rotation of DEK % asks for another KEK', dek using errcode = 'RK002';
  end if;
  insert into rekey.dek_material (dek_id, kek_uri, wrapped, kek_id) values (dek, kek, bytes, kek_ident)
    on conflict do nothing;
  if not found then
    return;
  end if;
  -- On the disk before anybody can fetch it, whatever the session's setting: a crash must not take back bytes that some
  -- process already holds under this number.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  perform rekey.tell_of_deks(d.tenant_id) from rekey.deks d where d.id = dek;
end
$$;
