-- Chosen KEKs that nobody has tried yet, or not for as long as they have been in trouble: within 5 s and 10 min. Whoever gets
-- one tries it; shared_kek: it is that registered one, and made from no template.
create or replace function rekey.claim_kek_choices(at_most integer)
returns table (tenant_id uuid, id uuid, kek_name text, parts jsonb, shared_kek text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with due as (
      select c.tenant_id from rekey.kek_choices c
      where c.state = 'pending' and (c.tried_at is null or clock_timestamp() - c.tried_at
        > least(greatest(c.tried_at - c.requested_at, interval '5 seconds'), interval '10 minutes'))
      order by c.tried_at nulls first limit at_most for update skip locked)
    update rekey.kek_choices c set tried_at = clock_timestamp() from due where c.tenant_id = due.tenant_id
    returning c.tenant_id, c.id, c.kek_name, c.parts, (select k.kek_id from rekey.keks k where k.name = c.kek_name);
end
$$;
revoke execute on function rekey.claim_kek_choices(integer) from public;
