-- Grants a role what its part in the work takes, and takes nothing away: what changes anything is a function, and what is
-- read lies open by column or through a function. Called by rekey.grant_api and its like, and for every role that they were
-- called for whenever functions are replaced or a table is registered (rekey.renew_rights).
create or replace function rekey.give_rights(role_name name, part text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target record;
  functions text[];
  readable text[];
begin
  case part
    when 'api' then
      functions := array['installation_id', 'snapshot_key', 'start_rotation', 'begin_rotation', 'supersede_rotation',
        'declare_compromised', 'lock_tenant', 'claim_idempotency_key',
        'keep_answer', 'halt_rotation', 'close_rotation', 'pause_rotation', 'resume_rotation', 'retry_rotation', 'limit_rotation', 'summarize',
        'log_leaf_hash', 'installation_chain', 'process_state', 'key_facts', 'key_records', 'key_processes', 'destruction_state',
        'schedule_destruction', 'cancel_destruction', 'approve_destruction', 'kek_census', 'kek_holders', 'lacking_kek',
        'keys_fingerprint', 'start_rewrap', 'steer_rewrap', 'work_figures', 'note_accesses',
        'open_console_session', 'use_console_session', 'end_console_session',
        'start_plan', 'use_plan', 'policy_state', 'put_policy', 'choose_kek', 'tenant_exists', 'add_tenant', 'change_hours',
        'start_campaign', 'steer_campaign', 'campaign_room', 'policy_figures', 'list_tenants', 'list_tenants_wrapped', 'campaign_figures', 'simulate_campaign', 'start_kek_compromise', 'compromise_kek',
        'kek_compromise_state'];
      readable := array['migrations', 'functions', 'targets', 'rotations', 'rotation_ranges', 'rotation_failures',
        'rotation_samples', 'rotation_certificates', 'other_certificates', 'certificate_stamps', 'signing_keys', 'second_signing_keys', 'events', 'log_leaves', 'log_nodes', 'log_checkpoints',
        'processes', 'process_keks', 'process_deks', 'deks', 'keks', 'rewraps', 'kek_templates', 'kek_choices', 'checkpoint_cosignatures',
        'plans', 'campaigns', 'campaign_members', 'kek_compromises', 'event_cuts',
        'rotation_throttles'];
    when 'worker' then
      functions := array['installation_id', 'snapshot_key', 'take_up', 'wrapped_deks', 'stored_deks', 'note_dek_check', 'live_deks', 'sample_deks',
        'sample_deks_under', 'keks_in_use', 'store_material', 'switch_to_dek', 'drain_older', 'wait_for_drain', 'blockers_of',
        'compromised_and_held', 'wait_for_dek', 'end_holders', 'note_drained', 'store_ranges',
        'claim_range', 'renew_lease', 'release_lease', 'leave_to_drain', 'restart_range', 'note_waiting', 'hold_lease',
        'note_batch', 'prove_by_counts', 'begin_verifying', 'beat', 'keep_progress', 'halt_rotation', 'close_rotation',
        'rotation_proved', 'completion_problems', 'settle_counts', 'complete_rotation', 'integrity_problems',
        'recognize_database', 'fold_counts', 'keep_summary', 'forget_idempotency_keys', 'setting', 'sealed_bytes_max', 'record_hash',
        'refuse_altered', 'certificates_due', 'certificate_facts', 'keep_certificate', 'register_signing_key', 'register_second_signing_key',
        'work_to_certify', 'facts_to_certify', 'keep_certificate_of', 'claim_certificate_stamps', 'keep_certificate_stamp',
        'next_events', 'report_usage', 'beat_process', 'forget_processes', 'note_long_pauses', 'due_destructions', 'destroy_dek',
        'register_kek', 'claim_rewrap', 'deks_to_rewrap', 'note_rewrap', 'rewrap_deks', 'set_dek_aside', 'complete_rewrap',
        'lock_log', 'append_log', 'append_log_heads', 'keep_checkpoint', 'keep_cosignature', 'log_leaf_hash', 'installation_chain',
        'settle_campaigns', 'start_member', 'lead_kek_compromises', 'lock_tenant', 'begin_rotation', 'supersede_rotation', 'lacking_kek',
        'claim_plan', 'note_plan', 'complete_plan', 'plan_facts', 'note_kms_calls', 'forget_plans',
        'read_pressure', 'note_throttle', 'register_kek_template', 'claim_kek_choices', 'settle_kek_choice',
        'find_tenant_kek', 'take_policy_round', 'schedule_by_policy', 'begin_due', 'note_standing', 'retry_left', 'take_renewal_round', 'renewal_hours', 'begin_renewals', 'note_renewals', 'keep_hours', 'due_hours', 'cut_events'];
      readable := array['migrations', 'functions', 'targets', 'rotations', 'rotation_ranges', 'rotation_failures', 'deks',
        'dek_drains', 'kek_compromises', 'record_counts', 'record_deltas', 'log_leaves', 'log_nodes', 'log_heads', 'log_checkpoints',
        'checkpoint_cosignatures', 'rotation_throttles', 'keks'];
    when 'application' then
      functions := array['hold_dek', 'hold_active_dek', 'reserve_seals', 'wrapped_deks', 'stored_deks', 'note_dek_check', 'live_deks', 'sample_deks',
        'sample_deks_under', 'keks_in_use', 'create_tenant', 'tenant_exists', 'report_usage', 'beat_process',
        'find_tenant_kek'];
      readable := array['targets'];
      -- With every record that is read: whether a DEK stands ready to become active.
      execute format('grant select (tenant_id, state) on rekey.deks to %I', role_name);
    when 'operator' then
      functions := array['check_target', 'register_target', 'finish_registration', 'unregister_target', 'repair_target',
        'recount_records', 'integrity_problems', 'completion_problems', 'rotation_proved', 'recognize_database',
        'installation_id', 'cancel_rotation', 'compromise_dek', 'destroy_dek', 'change_setting', 'verify_events',
        'keks_in_use', 'retire_signing_key', 'compromise_signing_key', 'compromise_signing_key_since', 'process_state', 'destruction_conditions', 'destruction_state', 'schedule_destruction',
        'cancel_destruction', 'approve_destruction', 'key_facts', 'key_records', 'key_processes', 'material_readers',
        'forget_kek', 'kek_census', 'kek_holders', 'lacking_kek', 'keys_fingerprint', 'steer_rewrap', 'work_figures',
        'erase_actor', 'policy_state', 'put_policy', 'forget_kek_template', 'kek_compromise_state'];
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
