-- The stored DEKs that are not under this KEK, or were wrapped under it before the time that a rewrap names, of one tenant or with
-- null of all, but for those that the rewrap set aside. All
-- are not those of tenants who use a KEK of their own: they chose where their DEKs are. A rewrap away from one KEK is for what is
-- under that, whosesoever.
create or replace function rekey.deks_outside(wanted text, tenant uuid, rewrap uuid)
returns table (dek_id uuid, tenant_id uuid, kek_id text, kek_uri text, wrapped bytea, wrap_version integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select m.dek_id, d.tenant_id, m.kek_id, m.kek_uri, m.wrapped, m.wrap_version
  from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
  where (m.kek_id <> wanted or m.wrapped_at < (select r.wrapped_before from rekey.rewraps r where r.id = rewrap))
    and d.state <> 'destroyed' and (tenant is null or d.tenant_id = tenant)
    and coalesce(m.kek_id = (select r.from_kek_id from rekey.rewraps r where r.id = rewrap), true)
    and (tenant is not null or exists (select from rekey.rewraps r where r.id = rewrap and r.from_kek_id is not null)
      or not exists (select from rekey.kek_choices c join rekey.tenant_keks k on k.kek_id = c.active_kek_id
      where c.tenant_id = d.tenant_id))
    and not exists (select from rekey.rewrapped_deks w
      where w.rewrap_id = rewrap and w.dek_id = m.dek_id and w.set_aside_for is not null)
$$;
revoke execute on function rekey.deks_outside(text, uuid, uuid) from public;
