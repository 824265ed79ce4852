-- Takes the operations on compromised KEKs forward, as far as the database can: whoever calls leads each for that moment, by the
-- lock on its row, and nothing of where it stands is kept anywhere but in what the DEKs are.
--
-- First whatever is under that KEK comes under the other one, what came under it meanwhile too. Then what is out of use is
-- declared compromised here, and what is in use is answered: the tenants whose DEK a rotation because of a compromised key has to
-- replace, so many that no more than at_once are under way: also those whose unfinished rotation is still to wrap its DEK under that KEK. When
-- none is left, it ends. The KEK that takes its place may have been declared compromised since: then the one that takes that one's.
create or replace function rekey.lead_kek_compromises(at_once integer)
returns table (compromise_id uuid, tenant_id uuid, dek_id uuid, kek_name text, reason text, initiated_by jsonb)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  operation rekey.kek_compromises;
  stands jsonb;
  left_under boolean;
begin
  for operation in
    select * from rekey.kek_compromises c where c.status = 'in_progress' order by c.started_at for update skip locked
  loop
    perform set_config('rekey.actor', ('{"kind": "user"}' || operation.initiated_by)::text, true),
      set_config('rekey.reason', operation.reason, true);
    perform rekey.find_compromised(operation);
    continue when exists (select from rekey.rewraps w where w.id = operation.rewrap_id and w.status = 'in_progress');
    select exists (select from rekey.dek_material m where m.kek_id = operation.kek_id and not exists (
        select from rekey.rewrapped_deks w
        where w.rewrap_id = operation.rewrap_id and w.dek_id = m.dek_id and w.set_aside_for is not null))
      into left_under;
    if left_under then
      -- As whoever begins a rewrap does.
      lock table rekey.rewraps in share row exclusive mode;
      perform rekey.rewrap_compromised(operation);
      continue;
    end if;
    perform rekey.mark_compromised(d.id, null) from rekey.kek_compromise_deks c join rekey.deks d on d.id = c.dek_id
      where c.compromise_id = operation.id and d.state = 'deactivated';
    stands := rekey.kek_compromise_state(operation.id);
    return query
      select operation.id, n.tenant_id, n.dek_id, coalesce((select k.target_name from rekey.kek_compromises k
          where k.kek_id = operation.target_kek_id and k.started_at > operation.started_at
          order by k.started_at desc limit 1), operation.target_name), operation.reason, operation.initiated_by
      from (select distinct on (c.tenant_id) c.tenant_id, case d.state when 'active' then d.id end as dek_id
          from rekey.kek_compromise_deks c join rekey.deks d on d.id = c.dek_id
          where c.compromise_id = operation.id and d.state in ('active', 'pre_active')
            and not exists (select from rekey.rotations r
              where r.tenant_id = c.tenant_id and r.compromise and r.status in ('in_progress', 'paused'))
            and not rekey.kek_compromise_failed(operation.started_at, operation.rewrap_id, d.id)
          order by c.tenant_id, d.state) n
      union all
      select operation.id, r.tenant_id, null::uuid, operation.target_name, operation.reason, operation.initiated_by
      from rekey.rotations r
      where r.kek_id = operation.kek_id and not r.compromise and r.status in ('in_progress', 'paused')
        and not exists (select from rekey.dek_material m where m.dek_id = r.new_dek_id)
        and not exists (select from rekey.kek_compromise_deks c join rekey.deks d on d.id = c.dek_id
          where c.compromise_id = operation.id and c.tenant_id = r.tenant_id and d.state in ('active', 'pre_active'))
      limit greatest(0, at_once - (stands ->> 'rotationsUnderWay')::integer);
    continue when found or (stands ->> 'rotationsUnderWay')::integer > 0 or exists (select from rekey.rotations r
      where r.kek_id = operation.kek_id and r.status in ('in_progress', 'paused'));
    update rekey.kek_compromises c
      set status = case when (stands ->> 'keysFailed')::integer = 0 and (stands ->> 'keysUnder')::integer = 0
          then 'completed' else 'completed_with_failures' end,
        completed_at = clock_timestamp()
      where c.id = operation.id;
    -- So that the events of one are not told with another's reason.
    set constraints all immediate;
    set constraints all deferred;
  end loop;
end
$$;
revoke execute on function rekey.lead_kek_compromises(integer) from public;
