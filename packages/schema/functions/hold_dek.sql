-- The DEK to seal under, held until the caller's transaction ends: whoever calls this before it writes cannot be refused
-- by the fence, and whoever switches keys meanwhile does not wait for it: the DEK that it holds drains (docs/adr/0015).
-- No row: the tenant has no active DEK. material_id tells the stored bytes from any others that ever stood under this
-- number. SECURITY DEFINER because FOR SHARE needs an UPDATE right on the row, which applications do not have.
create or replace function rekey.hold_dek(tenant uuid)
returns table (dek_id uuid, key_number integer, material_id uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Before the pointer is read: this transaction's number is smaller then than the horizon of any later switch.
  perform pg_current_xact_id();
  for attempt in 1..100 loop
    -- One statement: after a wait for the lock Postgres looks at the locked row again, so a closed one is never held.
    return query
      select d.id, d.key_number, l.material_id from rekey.deks d join rekey.dek_locks l on l.dek_id = d.id
      where d.tenant_id = tenant and d.state = 'active'
        and l.slot = pg_backend_pid() % l.slots and l.closed_at is null
      for share of l;
    if found then
      return;
    end if;
    if not exists (select from rekey.deks d where d.tenant_id = tenant and d.state = 'active') then
      return;
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
      raise exception 'The active DEK of tenant % is not in the snapshot of this transaction', tenant
        using errcode = '40001';
    end if;
    -- A switch came between the pointer and the lock: look again.
  end loop;
  if exists (
    select from rekey.deks d where d.tenant_id = tenant and d.state = 'active'
      and not exists (select from rekey.dek_locks l where l.dek_id = d.id and l.closed_at is null)
  ) then
    raise exception 'The active DEK of tenant % has no open lock', tenant
      using errcode = 'RK006', hint = 'Its row in rekey.dek_locks was lost; every activation makes one.';
  end if;
  raise exception 'The DEK of tenant % changed with every attempt', tenant using errcode = '40001';
end
$$;
