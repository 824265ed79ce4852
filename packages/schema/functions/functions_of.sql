-- The functions that a part in the work calls. Rights are given by it (rekey.give_rights), and by it processes look whether they have
-- them: what stands here cannot be forgotten there.
create or replace function rekey.functions_of(part text) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case part
    when 'api' then array['functions_of', 'installation_id', 'snapshot_key', 'start_rotation', 'begin_rotation', 'supersede_rotation',
      'declare_compromised', 'lock_tenant', 'claim_idempotency_key',
      'keep_answer', 'halt_rotation', 'hold_still', 'close_rotation', 'pause_rotation', 'resume_rotation', 'retry_rotation', 'limit_rotation', 'summarize',
      'log_leaf_hash', 'installation_chain', 'process_state', 'key_facts', 'key_records', 'key_processes', 'destruction_state',
      'schedule_destruction', 'cancel_destruction', 'approve_destruction', 'kek_census', 'kek_holders', 'lacking_kek',
      'keys_fingerprint', 'start_rewrap', 'steer_rewrap', 'work_figures', 'note_accesses',
      'open_console_session', 'use_console_session', 'end_console_session',
      'start_plan', 'use_plan', 'policy_state', 'put_policy', 'choose_kek', 'tenant_exists', 'add_tenant', 'change_hours',
      'start_campaign', 'steer_campaign', 'campaign_room', 'campaign_failures', 'policy_figures', 'list_tenants', 'list_tenants_wrapped', 'campaign_figures', 'simulate_campaign', 'start_kek_compromise', 'compromise_kek',
      'kek_compromise_state']
    when 'worker' then array['functions_of', 'installation_id', 'snapshot_key', 'take_up', 'wrapped_deks', 'stored_deks', 'note_dek_check', 'live_deks', 'sample_deks',
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
      'find_tenant_kek', 'take_policy_round', 'schedule_by_policy', 'begin_due', 'note_standing', 'retry_left', 'take_renewal_round', 'renewal_hours', 'begin_renewals', 'note_renewals', 'keep_hours', 'due_hours', 'cut_events']
    when 'application' then array['hold_dek', 'hold_active_dek', 'reserve_seals', 'wrapped_deks', 'stored_deks', 'note_dek_check', 'live_deks', 'sample_deks',
      'sample_deks_under', 'keks_in_use', 'create_tenant', 'tenant_exists', 'report_usage', 'beat_process',
      'find_tenant_kek']
    when 'operator' then array['check_target', 'register_target', 'finish_registration', 'unregister_target', 'repair_target',
      'recount_records', 'integrity_problems', 'completion_problems', 'rotation_proved', 'recognize_database',
      'installation_id', 'cancel_rotation', 'compromise_dek', 'destroy_dek', 'change_setting', 'verify_events',
      'keks_in_use', 'retire_signing_key', 'compromise_signing_key', 'compromise_signing_key_since', 'process_state', 'destruction_conditions', 'destruction_state', 'schedule_destruction',
      'cancel_destruction', 'approve_destruction', 'key_facts', 'key_records', 'key_processes', 'material_readers',
      'forget_kek', 'kek_census', 'kek_holders', 'lacking_kek', 'keys_fingerprint', 'steer_rewrap', 'work_figures',
      'erase_actor', 'policy_state', 'put_policy', 'forget_kek_template', 'kek_compromise_state']
  end
$$;
revoke execute on function rekey.functions_of(text) from public;
