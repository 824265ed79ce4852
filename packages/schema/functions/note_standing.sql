-- Tells of active DEKs that are overdue or orphaned, each once: an event, and a row for whoever calls this. For whoever holds
-- rekey.take_policy_round.
create or replace function rekey.note_standing(at_most integer)
returns table (tenant_id uuid, dek_id uuid, level text, since timestamptz, policy_version text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  found_one record;
begin
  for found_one in
    select s.* from rekey.policy_standings s
    where s.level in ('overdue', 'orphaned')
      and not exists (select from rekey.policy_notes n where n.dek_id = s.dek_id and n.level = s.level)
    order by s.overdue_at limit at_most
  loop
    insert into rekey.policy_notes (dek_id, tenant_id, level)
      values (found_one.dek_id, found_one.tenant_id, found_one.level);
    perform set_config('rekey.actor', jsonb_build_object('kind', 'policy', 'realm', null,
      'id', 'policy-' || found_one.policy_version)::text, true);
    perform rekey.append_event(found_one.tenant_id, 'policy.' || found_one.level, null, jsonb_build_object(
      'keyId', found_one.dek_id, 'policyVersion', found_one.policy_version, 'overdueAt', found_one.overdue_at,
      'tries', found_one.tries));
    return query select found_one.tenant_id, found_one.dek_id, found_one.level, found_one.overdue_at,
      found_one.policy_version;
  end loop;
end
$$;
revoke execute on function rekey.note_standing(integer) from public;
