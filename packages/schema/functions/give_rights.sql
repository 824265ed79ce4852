-- Grants a role what its part in the work takes, and takes nothing away: what changes anything is a function, and what is
-- read lies open by column or through a function. Called by rekey.grant_api and its like, and for every role that they were
-- called for whenever functions are replaced or a table is registered (rekey.renew_rights).
create or replace function rekey.give_rights(role_name name, part text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target record;
  functions constant text[] := rekey.functions_of(part);
  readable text[];
begin
  case part
    when 'api' then
      readable := array['migrations', 'functions', 'targets', 'rotations', 'rotation_ranges', 'rotation_failures',
        'rotation_samples', 'rotation_certificates', 'other_certificates', 'certificate_stamps', 'signing_keys', 'second_signing_keys', 'events', 'log_leaves', 'log_nodes', 'log_checkpoints',
        'processes', 'process_keks', 'process_deks', 'deks', 'keks', 'rewraps', 'kek_templates', 'kek_choices', 'checkpoint_cosignatures',
        'plans', 'campaigns', 'campaign_members', 'kek_compromises', 'event_cuts',
        'rotation_throttles'];
    when 'worker' then
      readable := array['migrations', 'functions', 'targets', 'rotations', 'rotation_ranges', 'rotation_failures', 'deks',
        'dek_drains', 'kek_compromises', 'record_counts', 'record_deltas', 'log_leaves', 'log_nodes', 'log_heads', 'log_checkpoints',
        'checkpoint_cosignatures', 'rotation_throttles', 'keks'];
    when 'application' then
      readable := array['targets'];
      -- With every record that is read: whether a DEK stands ready to become active.
      execute format('grant select (tenant_id, state) on rekey.deks to %I', role_name);
    when 'operator' then
      readable := array['migrations', 'functions', 'granted_roles', 'settings', 'database_sightings', 'targets',
        'tenants', 'deks', 'dek_drains', 'dek_locks', 'dek_seal_counts', 'rotations', 'rotation_ranges',
        'rotation_failures', 'rotation_samples', 'record_counts', 'record_deltas', 'events', 'event_chains',
        'rotation_certificates', 'other_certificates', 'certificate_stamps', 'signing_keys', 'second_signing_keys', 'log_size', 'log_leaves', 'log_nodes', 'log_heads', 'log_checkpoints',
        'checkpoint_cosignatures', 'event_cuts', 'processes', 'process_keks', 'process_deks', 'dek_openings', 'key_destructions', 'destruction_approvals',
        'keks', 'rewraps', 'rewrapped_deks',
        'plans', 'policies', 'kek_templates', 'tenant_keks', 'kek_choices',
        'campaigns', 'campaign_members', 'policy_rounds', 'policy_standings', 'policy_renewals', 'kek_compromises', 'kek_compromise_deks',
        'rotation_throttles'];
    else
      raise exception 'There is no part %', part;
  end case;
  execute format('grant usage on schema rekey to %I', role_name);
  execute format('grant select on %s to %I', (select string_agg('rekey.' || r, ', ') from unnest(readable) r), role_name);
  execute format('grant execute on function %s to %I', (
    select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
    where p.pronamespace = 'rekey'::regnamespace and p.proname = any (functions)), role_name);
  -- Of registered tables: a worker has the columns of a sealed record only, an operator sees which is under which DEK.
  for target in
    select t.*, to_regprocedure(format('rekey.%I(uuid, integer, uuid, integer)', 'prove_' || t.name)) as proof
    from rekey.targets t
    where t.retired_at is null and to_regclass(t.table_name) is not null and part in ('worker', 'operator')
  loop
    begin
      execute format('grant select (%2$I, %3$I, %4$I) on %5$s to %1$I', role_name, target.id_column,
        target.tenant_column, target.key_column, target.table_name);
      if part = 'worker' then
        execute format('grant select (%3$I), update (%2$I, %3$I) on %4$s to %1$I', role_name, target.key_column,
          target.ciphertext_column, target.table_name);
      end if;
    exception when undefined_column then
      null; -- rekey.integrity_problems says so
    end;
    if part = 'worker' and target.proof is not null then
      execute format('grant execute on function %s to %I', target.proof, role_name);
    end if;
  end loop;
end
$$;
