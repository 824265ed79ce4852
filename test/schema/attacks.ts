import { attacksByCalling } from './attacks-by-calling.ts';

/** What somebody would gain who could read or write an object of the schema: a name for each, so that none is forgotten. */
export interface Attack {
  readonly on: RegExp;
  readonly reading?: string;
  readonly writing?: string;
  readonly calling?: string;
}

const attacksOnTables: readonly Attack[] = [
  { on: /^rekey\.tenants$/, reading: 'list every customer', writing: 'make, rename or lose a tenant' },
  {
    on: /^rekey\.deks$/,
    reading: 'list every DEK',
    writing: 'make an older DEK active, or number one 2^31 - 1',
  },
  { on: /^rekey\.dek_material$/, reading: 'read wrapped DEKs', writing: 'replace or lose wrapped DEKs' },
  { on: /^rekey\.dek_identities$/, reading: 'read identities of DEKs', writing: 'pass bytes off for others' },
  {
    on: /^rekey\.dek_checks$/,
    reading: 'learn by what DEKs are recognised',
    writing: 'have everybody refuse a DEK, or take other bytes for it',
  },
  {
    on: /^rekey\.dek_locks$/,
    reading: 'see who drains',
    writing: 'open or close the lock of a DEK, or keep it',
  },
  {
    on: /^rekey\.dek_compromises$/,
    reading: 'learn whose keys are compromised',
    writing: 'have a session ended before its time, or never',
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
  {
    on: /^rekey\.rotation_throttles$/,
    reading: 'see who is held back',
    writing: 'hide or invent what holds back a rotation',
  },
  {
    on: /^rekey\.(summary_(counts|deltas|state)|rotation_needs)$/,
    reading: 'learn how many keys there are, and whose rotations failed',
    writing: 'hide who needs help',
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
    on: /^rekey\.checkpoint_cosignatures$/,
    reading: 'read what witnesses signed',
    writing: 'put a line of its own behind a checkpoint, or lose that of a witness',
  },
  {
    on: /^rekey\.event_cuts$/,
    reading: 'learn from when on anything is still known',
    writing: 'have what was recorded deleted before its time',
  },
  {
    on: /^rekey\.reported_latencies$/,
    reading: 'learn how busy applications are',
    writing: 'have a certificate say how long things took that nobody measured',
  },
  {
    on: /^rekey\.(rotation|other)_certificates$/,
    reading: 'read what was proved of whom',
    writing: 'invent, change or lose a certificate',
  },
  {
    on: /^rekey\.certificate_stamps$/,
    reading: 'read whose certificates are dated, and when',
    writing: 'keep a certificate from being dated, or lose the time stamp that saves it',
  },
  {
    on: /^rekey\.(second_)?signing_keys$/,
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
    on: /^rekey\.(kek_templates|kek_choices|tenant_keks)$/,
    reading: 'see which KEK a tenant chose',
    writing: "have a tenant's next DEK wrapped under another's KEK",
  },
  {
    on: /^rekey\.console_sessions$/,
    reading: 'see who is signed in',
    writing: 'be signed in as another, or sign others out',
  },
  {
    on: /^rekey\.(rewraps|rewrapped_deks)$/,
    reading: 'see which KEK is left for which',
    writing: 'forge the proof that an old KEK is unused',
  },
  {
    on: /^rekey\.policy_(rounds|notes|destructions|standings|renewals)$/,
    reading: 'see whose keys are overdue',
    writing:
      'keep anybody from looking for keys whose time has come, from being told of them, or keys from being destroyed',
  },
  {
    on: /^rekey\.policies$/,
    reading: 'see whose keys are old, and when nobody watches',
    writing: 'keep keys from being rotated, or have them destroyed early',
  },
  {
    on: /^rekey\.(campaigns|campaign_members)$/,
    reading: 'see whose keys are to be replaced, and how much each has',
    writing: 'have it believed that tenants were rotated',
  },
  {
    on: /^rekey\.(kek_compromises|kek_compromise_deks)$/,
    reading: 'learn which KEK was lost, and whose keys were under it',
    writing: 'have it believed that nothing is left of a lost KEK',
  },
  {
    on: /^rekey\.plans$/,
    reading: 'see how much a tenant has, and what would not open',
    writing: 'have a rotation started on a lie about what it takes',
  },
];

export const attacks: readonly Attack[] = [...attacksOnTables, ...attacksByCalling];
