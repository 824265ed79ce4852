/** What somebody would gain who could read or write an object of the schema: a name for each, so that none is forgotten. */
export interface Attack {
  readonly on: RegExp;
  readonly reading?: string;
  readonly writing?: string;
  readonly calling?: string;
}

export const attacks: readonly Attack[] = [
  // Tables
  { on: /^rekey\.tenants$/, reading: 'list every customer', writing: 'make, rename or lose a tenant' },
  {
    on: /^rekey\.deks$/,
    reading: 'list every DEK',
    writing: 'make an older DEK active, or number one 2^31 - 1',
  },
  { on: /^rekey\.dek_material$/, reading: 'read wrapped DEKs', writing: 'replace or lose wrapped DEKs' },
  { on: /^rekey\.dek_identities$/, reading: 'read identities of DEKs', writing: 'pass bytes off for others' },
  {
    on: /^rekey\.dek_locks$/,
    reading: 'see who drains',
    writing: 'open or close the lock of a DEK, or keep it',
  },
  { on: /^rekey\.dek_drains$/, reading: 'see who drains', writing: 'end a drain that others still hold' },
  { on: /^rekey\.dek_seals$/, reading: 'see who writes how much', writing: 'use up a DEK with 2^32 seals' },
  { on: /^rekey\.dek_seal_counts$/, reading: 'see who writes how much' },
  { on: /^rekey\.rotations$/, reading: 'read who rotated', writing: 'forge a completed rotation' },
  { on: /^rekey\.rotation_ranges$/, reading: 'read ids of records', writing: 'mark a range as proved' },
  {
    on: /^rekey\.rotation_samples$/,
    reading: 'learn who has how much',
    writing: 'draw a curve that was not',
  },
  { on: /^rekey\.rotation_failures$/, reading: 'read ids of records', writing: 'hide or invent a failure' },
  {
    on: /^rekey\.idempotency_keys$/,
    reading: "read others' answers",
    writing: "forge the answer to another's call",
  },
  {
    on: /^rekey\.installation$/,
    reading: 'seal a snapshot',
    writing: 'change what snapshots are sealed with',
  },
  { on: /^rekey\.settings$/, reading: 'read settings', writing: 'admit values of any size' },
  { on: /^rekey\.targets$/, reading: 'list sealed tables', writing: 'have a rotation pass a table over' },
  {
    on: /^rekey\.record_counts$/,
    reading: 'count customers',
    writing: 'falsify the counts that proofs are held against',
  },
  {
    on: /^rekey\.record_deltas$/,
    reading: 'count customers',
    writing: 'falsify the counts that proofs are held against',
  },
  {
    on: /^rekey\.function_digests$/,
    reading: 'see what is watched',
    writing: 'hide a function that was changed',
  },
  { on: /^rekey\.functions$/, reading: 'see the version', writing: 'have a function never mended' },
  { on: /^rekey\.migrations$/, reading: 'see the version', writing: 'have a migration never run' },
  {
    on: /^rekey\.database_sightings$/,
    reading: 'see failovers',
    writing: 'hide that the database was restored',
  },
  { on: /^rekey\.granted_roles$/, reading: 'list roles', writing: 'be granted a part with the next upgrade' },
  {
    on: /^(secrets|credentials|api_keys)$/,
    reading: 'read columns that are no business of ours',
    writing: 'lose or invent records',
  },
  {
    on: /^rekey\.(events|event_chains)$/,
    reading: 'read who did what',
    writing: 'invent, change or lose an event',
  },
  {
    on: /^rekey\.(event_outbox|event_reader)$/,
    reading: 'see whose events are new',
    writing: 'keep an event out of the log',
  },
  {
    on: /^rekey\.log_(size|leaves|nodes|heads|checkpoints)$/,
    reading: 'learn how much is done for whom',
    writing: 'have the log say what no event says, or hide one from it',
  },
  { on: /^rekey\.actor_names$/, reading: 'read names of persons', writing: 'put a name on what another did' },
  {
    on: /^rekey\.rotation_certificates$/,
    reading: 'read what was proved of whom',
    writing: 'invent, change or lose a certificate',
  },
  {
    on: /^rekey\.signing_keys$/,
    reading: 'read public keys',
    writing: 'have its own key trusted, or hide that one is compromised',
  },
  {
    on: /^rekey\.(processes|process_keks|process_deks|dek_openings)$/,
    reading: 'see who runs where and opens what',
    writing: 'hide that a key is in use, or that a process is silent',
  },
  {
    on: /^rekey\.(key_destructions|destruction_approvals)$/,
    reading: 'see whose keys are to end',
    writing: 'have a key destroyed that nobody agreed to lose',
  },
  {
    on: /^rekey\.keks$/,
    reading: 'list KEKs',
    writing: 'have a rewrap bring DEKs under another KEK than its name says',
  },
  {
    on: /^rekey\.(rewraps|rewrapped_deks)$/,
    reading: 'see which KEK is left for which',
    writing: 'forge the proof that an old KEK is unused',
  },
  // Functions
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
    on: /^rekey\.(rewrap_deks|set_dek_aside)\(/,
    calling: 'replace wrapped DEKs while a rewrap runs, or have one left where it is',
  },
  {
    on: /^rekey\.(report_usage|forget_processes|process_state)\(/,
    calling: 'hide that a key is in use, or speak for another process',
  },
  {
    on: /^rekey\.(certificates_due|certificate_facts|keep_certificate)\(/,
    calling: 'read what was proved of whom, or take the place of a certificate',
  },
  {
    on: /^rekey\.(register|retire|compromise)_signing_key\(/,
    calling: 'have its own key trusted, or ours refused',
  },
  { on: /^rekey\.next_events\(/, calling: 'read who did what, or keep an event out of the log' },
  {
    on: /^rekey\.(append_log|append_log_heads|complete_log|keep_checkpoint|lock_log|log_leaf_hash|log_subtree)\(/,
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
  { on: /^rekey\.lock_briefly\(/, calling: 'shut everybody out of a table' },
  { on: /^rekey\.(grant|give|set|renew|revoke)_\w+\(/, calling: 'grant itself another part' },
  {
    on: /^rekey\.((check|register|unregister|repair)_target\w*|finish_registration)\(/,
    calling: 'take a table out of rotations, or look into one',
  },
  {
    on: /^rekey\.(take_up|beat|keep_progress|begin_verifying|note_drained|note_waiting)\(/,
    calling: 'keep workers from a rotation',
  },
  { on: /^rekey\.(complete|cancel|close|halt)_rotation\(/, calling: 'end a rotation' },
  {
    on: /^rekey\.((pause|resume|limit)_rotation|note_long_pauses)\(/,
    calling: 'stop a rotation, or let one run that is to stand still',
  },
  { on: /^rekey\.summarize\(/, calling: 'count rotations, and learn whose need help' },
  { on: /^rekey\.say_who_and_why\(/, calling: 'act under the name of another' },
  {
    on: /^rekey\.(start_rotation|retry_rotation|seconds_expected|lock_tenant)\(/,
    calling: 'start a rotation, or hold up those who do',
  },
  {
    on: /^rekey\.(claim_range|store_ranges|hold_lease|note_batch)\(/,
    calling: 'take ranges from workers, or fill in their counts',
  },
  {
    on: /^rekey\.(renew_lease|release_lease|leave_to_drain|restart_range)\(/,
    calling: 'take ranges from workers, or fill in their counts',
  },
  {
    on: /^rekey\.(switch_to_dek|switch_dek|drain_older|wait_for_drain|open_dek_locks)\(/,
    calling: 'switch keys, or hold up who writes',
  },
  {
    on: /^rekey\.(store_material|create_tenant|destroy_dek|compromise_dek|refuse_to_destroy)\(/,
    calling: 'make, replace or end a DEK',
  },
  { on: /^rekey\.work_figures\(/, calling: 'see how much there is to do' },
  { on: /^rekey\.(wrapped_deks|live_deks|sample_deks\w*)\(/, calling: 'read wrapped DEKs' },
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
    on: /^rekey\.(recognize_database|remember_functions|function_digest|sweep_again)\(/,
    calling: 'hide that something was changed',
  },
  { on: /^rekey\.(change_setting|setting|setting_default)\(/, calling: 'admit values of any size' },
  {
    on: /^rekey\.(blockers_of|is_hidden_from|has_foreign_row_trigger|tenant_exists)\(/,
    calling: 'learn of the sessions, roles and tenants of others',
  },
  {
    on: /^rekey\.(record_hash|refuse_altered|rotation_moves)\(/,
    calling: 'nothing: a right that nobody needs is not there',
  },
];
