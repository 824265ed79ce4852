-- Chooses the KEK of a tenant's next DEK: a registered one, one made from a template, or with null that of the installation. What
-- is answered: 'chosen', 'unchanged' (so it was, or is being tried), 'tenant_not_found', 'kek_not_found', 'parts' (not the words
-- that the template takes), and 'lacking': a live process has no such KEK or template (rekey.lacking_kek), or it was declared compromised.
create or replace function rekey.choose_kek(
  tenant uuid, choice uuid, kek text, words jsonb, may_share boolean, why text, actor jsonb
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  shared text;
  wanted_parts text[];
begin
  perform from rekey.tenants t where t.id = tenant for no key update;
  if not found then
    return 'tenant_not_found';
  end if;
  if kek is not null then
    select k.kek_id into shared from rekey.keks k where k.name = kek and may_share;
    if not found then
      select t.parts into wanted_parts from rekey.kek_templates t where t.name = kek;
      if not found then
        return 'kek_not_found';
      end if;
    end if;
  end if;
  if (select coalesce(array_agg(k order by k), '{}') from jsonb_object_keys(words) k)
    <> (select coalesce(array_agg(w order by w), '{}') from unnest(wanted_parts) w) then
    return 'parts';
  end if;
  if exists (select from rekey.kek_compromises c where c.kek_id = shared) then
    return 'lacking';
  end if;
  if exists (select from rekey.kek_choices c where c.tenant_id = tenant and c.kek_name is not distinct from kek
      and c.parts = words and c.state <> 'refused')
    or kek is null and not exists (select from rekey.kek_choices c where c.tenant_id = tenant) then
    -- Whoever asks again has mended something: it need not wait for its time.
    update rekey.kek_choices c set tried_at = null where c.tenant_id = tenant and c.state = 'pending';
    return 'unchanged';
  end if;
  if kek is not null and (exists (select from rekey.lacking_kek(coalesce(shared, 'template:' || kek)))
      or not exists (select from rekey.kek_holders() h
        where h.kek_id = coalesce(shared, 'template:' || kek) and h.kind = 'worker')) then
    return 'lacking';
  end if;
  perform rekey.say_who_and_why(actor, why);
  insert into rekey.kek_choices as c (tenant_id, id, kek_name, parts, state, activated_at)
    values (tenant, choice, kek, words, case when kek is null then 'active' else 'pending' end,
      case when kek is null then clock_timestamp() end)
    on conflict (tenant_id) do update set id = excluded.id, kek_name = excluded.kek_name, parts = excluded.parts,
      state = excluded.state, trouble = null, requested_at = clock_timestamp(), tried_at = null,
      active_name = case when kek is not null then c.active_name end,
      active_kek_id = case when kek is not null then c.active_kek_id end,
      activated_at = case when kek is not null then c.activated_at else clock_timestamp() end;
  return 'chosen';
end
$$;
revoke execute on function rekey.choose_kek(uuid, uuid, text, jsonb, boolean, text, jsonb) from public;
