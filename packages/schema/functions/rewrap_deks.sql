-- Puts DEKs under another KEK, or wrapped anew under the same, each only where the very bytes still stand that were unwrapped for it: how many. Null: whoever
-- calls has the rewrap no more. Nothing else of a DEK changes, neither its identity nor its state nor a record: what holds it
-- unwrapped goes on, and nobody is notified.
create or replace function rekey.rewrap_deks(
  rewrap uuid, claimed_by uuid, calls bigint, new_uri text, deks uuid[], old_wrapped bytea[], new_wrapped bytea[]
) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  ours rekey.rewraps;
  changed integer;
begin
  select * into ours from rekey.rewraps r
    where r.id = rewrap and r.owner = claimed_by and r.status = 'in_progress' for update;
  if not found then
    return null;
  end if;
  -- The old KEK may be taken away once this has been told.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  with held as materialized (
    select m.dek_id, m.kek_id as from_kek_id,
      rekey.kek_version_of(m.kek_uri, m.wrapped) as from_kek_version, g.new_bytes, rekey.dek_fingerprint(m.dek_id) as fingerprint
    from unnest(deks, old_wrapped, new_wrapped) g(dek, old_bytes, new_bytes)
      join rekey.dek_material m on m.dek_id = g.dek join rekey.deks d on d.id = m.dek_id
    where m.wrapped = g.old_bytes and (m.kek_id <> ours.kek_id or m.wrapped_at < ours.wrapped_before) and d.state <> 'destroyed'
      and (ours.tenant_id is null or d.tenant_id = ours.tenant_id)
    order by m.dek_id for update of m),
  put as (
    update rekey.dek_material m set wrapped = h.new_bytes, kek_uri = new_uri, kek_id = ours.kek_id,
      wrap_version = m.wrap_version + 1, wrapped_at = greatest(clock_timestamp(), ours.wrapped_before)
    from held h where m.dek_id = h.dek_id
    returning m.dek_id, h.from_kek_id, h.from_kek_version, rekey.kek_version_of(m.kek_uri, m.wrapped) as kek_version,
      m.wrap_version, sha256(m.wrapped) as wrapped_hash, h.fingerprint)
  insert into rekey.rewrapped_deks as w
      (rewrap_id, dek_id, from_kek_id, from_kek_version, kek_version, wrap_version, wrapped_hash, fingerprint)
    select rewrap, p.dek_id, p.from_kek_id, p.from_kek_version, p.kek_version, p.wrap_version, p.wrapped_hash, p.fingerprint
    from put p
    on conflict (rewrap_id, dek_id) do update set from_kek_id = excluded.from_kek_id,
      from_kek_version = excluded.from_kek_version, kek_version = excluded.kek_version, wrap_version = excluded.wrap_version,
      wrapped_hash = excluded.wrapped_hash, set_aside_for = null, fingerprint = excluded.fingerprint, at = clock_timestamp();
  get diagnostics changed = row_count;
  -- What a local KEK wrapped says itself which one that was.
  if exists (select from rekey.dek_material m join rekey.rewrapped_deks w on w.dek_id = m.dek_id and w.rewrap_id = rewrap
      where m.dek_id = any (deks) and m.wrap_version = w.wrap_version and m.kek_id <> ours.kek_id) then
    raise exception 'These bytes were not wrapped under %', ours.kek_id using errcode = 'RK002';
  end if;
  update rekey.rewraps r set heartbeat_at = clock_timestamp(), kms_calls = r.kms_calls + greatest(calls, 0),
      rewrapped = r.rewrapped + changed, deks = greatest(r.deks, r.rewrapped + changed + r.set_aside),
      waiting_for = null, waiting_detail = null
    where r.id = rewrap;
  return changed;
end
$$;
revoke execute on function rekey.rewrap_deks(uuid, uuid, bigint, text, uuid[], bytea[], bytea[]) from public;
