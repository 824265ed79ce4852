import type { Attack } from './attacks.ts';

/** Of functions; `attacks.ts` has those of tables. */
export const attacksByCalling: readonly Attack[] = [
  {
    on: /^rekey\.(take_renewal_round|(begin|keep|note)_renewals|renewal_(hours|standing)|retry_left|left_behind)\(/,
    calling:
      'keep anybody from looking for keys that were wrapped long ago or emptied by half, or begin rewraps and retries in the name of a policy',
  },
  {
    on: /^rekey\.active_sessions\(/,
    calling: 'learn how busy others are, and keep a session busy with looking',
  },
  {
    on: /^rekey\.(take_policy_round|keep_standings|due_hours|begin_due|note_standing|policy_standing|policies_held|policy_actor|schedule_by_policy)\(/,
    calling:
      'keep anybody from looking for keys whose time has come, or begin rotations and destructions in the name of a policy',
  },
  {
    on: /^rekey\.(keep_hours|change_hours|shut_rotation)\(/,
    calling: 'keep a rotation from going on, or have it go on in the hours of production',
  },
  {
    on: /^rekey\.(put_policy|policy_(state|problems|figures)|latest_policy|merge_policies|list_tenants|list_tenants_wrapped)\(/,
    calling: 'keep keys from being rotated, or learn when they are',
  },
  {
    on: /^rekey\.(schedule_destruction|cancel_destruction|approve_destruction|due_destructions|deciding_person)\(/,
    calling: 'have a key destroyed that nobody agreed to lose, or keep one for ever',
  },
  {
    on: /^rekey\.(destruction_(facts|conditions|state)|facts_hash|refused_conditions|key_disuse|key_backups)\(/,
    calling: 'learn when a key may be destroyed, and who is in the way',
  },
  {
    on: /^rekey\.(key_facts|key_records|key_processes|material_readers)\(/,
    calling: 'learn of the keys of others, or keep tables under a look',
  },
  {
    on: /^rekey\.(open|use|end)_console_session\(/,
    calling: 'be signed in as another, or sign others out',
  },
  {
    on: /^rekey\.(choose_kek|claim_kek_choices|settle_kek_choice|find_tenant_kek)\(/,
    calling: "choose the KEK of another tenant's DEKs, or have one used that nobody has tried",
  },
  {
    on: /^rekey\.(register|forget)_kek_template\(/,
    calling: 'have a name stand for another template',
  },
  {
    on: /^rekey\.(register_kek|forget_kek)\(/,
    calling: 'have a name stand for another KEK',
  },
  {
    on: /^rekey\.(kek_census|kek_holders|lacking_kek|keys_fingerprint|dek_fingerprint|deks_outside|deks_to_rewrap)\(/,
    calling: 'read wrapped DEKs, or learn which KEKs open what',
  },
  {
    on: /^rekey\.(start|steer|claim|note|complete)_rewrap\(/,
    calling: 'begin or end a rewrap, or keep workers from one',
  },
  {
    on: /^rekey\.((start|claim|note|complete|use)_plan|plan_facts|note_kms_calls|forget_plans|note_planned_end)\(/,
    calling:
      'forge what a rotation would take or took, keep a tenant from being planned, or learn how large others are',
  },
  {
    on: /^rekey\.((start|steer|settle|simulate)_campaigns?|start_member|campaign_\w+)\(/,
    calling: 'rotate every tenant, keep them from being rotated, or learn who has how much',
  },
  {
    on: /^rekey\.((start|lead)_kek_compromises?|compromise_kek|kek_compromise_(state|failed)|find_compromised|rewrap_compromised)\(/,
    calling: 'replace the keys of every tenant, or say that it is done',
  },
  {
    on: /^rekey\.(rewrap_deks|set_dek_aside)\(/,
    calling: 'replace wrapped DEKs while a rewrap runs, or have one left where it is',
  },
  {
    on: /^rekey\.(report_usage|beat_process|forget_processes|process_state|is_at_work)\(/,
    calling: 'hide that a key is in use, or speak for another process',
  },
  {
    on: /^rekey\.(certificates_due|certified_key|(certificate|rewrap|destroyed)_facts|(work|facts)_to_certify|keep_certificate(_of)?)\(/,
    calling: 'read what was proved of whom, or take the place of a certificate',
  },
  {
    on: /^rekey\.cut_events\(/,
    calling: 'have what was recorded deleted',
  },
  {
    on: /^rekey\.(keep_latencies|latencies_reported|kek_version_of)\(/,
    calling:
      'have a certificate say how long things took that nobody measured, or learn how busy somebody is',
  },
  {
    on: /^rekey\.(claim|keep)_certificate_stamps?\(/,
    calling: 'keep a certificate from being dated, or have it dated by a stamp that nobody can verify',
  },
  {
    on: /^rekey\.((register|register_second|retire|compromise)_signing_key|compromise_signing_key_since)\(/,
    calling: 'have its own key trusted, or ours refused',
  },
  {
    on: /^rekey\.(erase_actor|without_name)\(/,
    calling: 'have it forgotten who a person was that did something',
  },
  { on: /^rekey\.note_accesses\(/, calling: 'invent a read or a refusal' },
  { on: /^rekey\.tell_of_deks\(/, calling: 'have vaults look for DEKs all the while' },
  {
    on: /^rekey\.(end_holders|compromised_and_held)\(/,
    calling: "end others' sessions, or learn whose keys are compromised",
  },
  { on: /^rekey\.next_events\(/, calling: 'read who did what, or keep an event out of the log' },
  {
    on: /^rekey\.(append_log|append_log_heads|complete_log|keep_checkpoint|keep_cosignature|lock_log|log_leaf_hash|log_subtree|installation_chain)\(/,
    calling: 'put into the log what no event says, or hold up who writes it',
  },
  { on: /^rekey\.record_\w+_event\(\)$/, calling: 'have events written for a table of its own' },
  {
    on: /^rekey\.(append_event|event_actor|event_hash|verify_events|canonical_json)\(/,
    calling: 'invent an event',
  },
  {
    on: /^rekey\.(fence|count)_\w+\(\)$/,
    calling: 'pass the fence, or falsify counts, from a table of its own',
  },
  { on: /^rekey\.(guard_\w+|refuse_identity_change)\(\)$/, calling: 'run a guard over a table of its own' },
  { on: /^rekey\.prove_\w+\(/, calling: 'have a range proved, or its failures forgotten' },
  { on: /^rekey\.(install|ensure)_\w+\(/, calling: 'put another fence around a table' },
  { on: /^rekey\.(label_condition|sealed_bytes_max)\(/, calling: 'learn how large values may be' },
  { on: /^rekey\.id_order\(/, calling: 'learn in which order ids stand' },
  {
    on: /^rekey\.(lock_briefly|refuse_sealed|is_looked_through_locked)\(/,
    calling: 'shut everybody out of a table',
  },
  { on: /^rekey\.functions_of\(/, calling: 'learn what other parts of the work may call' },
  { on: /^rekey\.(grant|give|set|renew|revoke)_\w+\(/, calling: 'grant itself another part' },
  {
    on: /^rekey\.((check|register|unregister|repair)_target\w*|finish_registration|put_fence_\w+|take_fence_down)\(/,
    calling: 'take a table out of rotations, or look into one',
  },
  {
    on: /^rekey\.(take_up|beat|keep_progress|begin_verifying|note_drained|note_waiting)\(/,
    calling: 'keep workers from a rotation',
  },
  { on: /^rekey\.(complete|cancel|close|halt|end|supersede)_rotation\(/, calling: 'end a rotation' },
  {
    on: /^rekey\.((pause|resume|limit)_rotation|hold_still|note_long_pauses)\(/,
    calling: 'stop a rotation, or let one run that is to stand still',
  },
  {
    on: /^rekey\.(summarize|count_figures|find_needs|keep_summary)\(/,
    calling: 'count rotations, and learn whose need help',
  },
  { on: /^rekey\.say_who_and_why\(/, calling: 'act under the name of another' },
  {
    on: /^rekey\.(start_rotation|begin_rotation|retry_rotation|seconds_expected|lock_tenant)\(/,
    calling: 'start a rotation, or hold up those who do',
  },
  {
    on: /^rekey\.(claim_range|take_ranges|store_ranges|hold_lease|note_batch)\(/,
    calling: 'take ranges from workers, or fill in their counts',
  },
  {
    on: /^rekey\.(renew_lease|release_lease|leave_to_drain|restart_range)\(/,
    calling: 'take ranges from workers, or fill in their counts',
  },
  {
    on: /^rekey\.(switch_to_dek|switch_dek|drain_older|wait_for_drain|wait_for_dek|open_dek_locks)\(/,
    calling: 'switch keys, or hold up who writes',
  },
  {
    on: /^rekey\.(store_material|note_dek_check|create_tenant|destroy_dek|compromise_dek|mark_compromised|declare_compromised|refuse_to_destroy)\(/,
    calling: 'make, replace or end a DEK',
  },
  { on: /^rekey\.read_pressure\(/, calling: 'see standbys, slots and sessions of the server' },
  {
    on: /^rekey\.note_throttle\(/,
    calling: 'say that a rotation is held back, and fill its chain with events',
  },
  { on: /^rekey\.work_figures\(/, calling: 'see how much there is to do' },
  { on: /^rekey\.(wrapped_deks|stored_deks|live_deks|sample_deks\w*)\(/, calling: 'read wrapped DEKs' },
  { on: /^rekey\.(keks_in_use|kek_id_of)\(/, calling: 'learn which KEKs open what, and where they are' },
  {
    on: /^rekey\.(hold_dek|hold_active_dek|reserve_seals|enter_gate)\(/,
    calling: 'keep a DEK from draining, or use it up',
  },
  {
    on: /^rekey\.(claim_idempotency_key|keep_answer|forget_idempotency_keys)\(/,
    calling: "forge the answer to another's call",
  },
  {
    on: /^rekey\.(snapshot_key|installation_id|database_id|database_timeline)\(/,
    calling: 'seal a snapshot for Redis',
  },
  {
    on: /^rekey\.(fold_counts|recount_\w+|settle_counts|kept_count|rotation_counts)\(/,
    calling: 'falsify the counts that proofs are held against',
  },
  {
    on: /^rekey\.(rotation_proved|everything_proved|completion_problems|integrity_problems)\(/,
    calling: 'learn of the state of others, or keep tables under a look',
  },
  {
    on: /^rekey\.(recognize_database|note_function_rows|remember_functions|function_digest|sweep_again)\(/,
    calling: 'hide that something was changed',
  },
  { on: /^rekey\.(change_setting|setting|setting_default)\(/, calling: 'admit values of any size' },
  {
    on: /^rekey\.(blockers_of|is_hidden_from|has_foreign_row_trigger|tenant_exists|add_tenant)\(/,
    calling: 'learn of the sessions, roles and tenants of others, or make any',
  },
  {
    on: /^rekey\.(record_hash|refuse_altered|rotation_moves)\(/,
    calling: 'nothing: a right that nobody needs is not there',
  },
];
