import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { switchDek } from '@rekey/control';
import { Pool } from 'pg';
import { asRole, type Role, roles } from '../harness/roles.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { contentsOf } from './contents.ts';

const core = await rotationCore();
const { store, database } = core;

const pools = Object.fromEntries(
  roles.map((role) => [role, new Pool({ connectionString: asRole(database.url, role), max: 1 })]),
) as Record<Role, Pool>; // of exactly these keys
for (const pool of Object.values(pools)) pool.on('error', () => {}); // the database goes first
after(() => Promise.all(Object.values(pools).map((pool) => pool.end())));

// A completed rotation, and one of the same tenant that has switched, with a claimed range that is not swept.
const { tenantId } = await core.tenantWith(3);
const { id: finished } = await core.startAndRotate(tenantId);
const { rows: seen } = await store.query<{ id: string; key_number: number }>(
  'select id, key_number from rekey.deks where tenant_id = $1 order by key_number',
  [tenantId],
);
const [first, second] = seen.map(({ id }) => id);
const order = await readyToSwitch(core, tenantId);
await switchDek(store, order);
await store.query(`update rekey.rotations set phase = 'sweeping' where id = $1`, [order.rotationId]);
const owner = randomUUID();
await store.query(
  `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned, owner, heartbeat_at)
   select $1, t.name, 0, 3, $2, now() from rekey.targets t`,
  [order.rotationId, owner],
);
const other = await core.createTenant();

interface Attempt {
  readonly by: Role;
  readonly statement: string;
  readonly values?: unknown[];
  /** Its SQLSTATE, or what it answers. */
  readonly gets: string | readonly unknown[];
}

const told = `'{"rotated":{}}'`;
const attempts: Record<string, Attempt> = {
  'end a rotation as completed': {
    by: 'api',
    statement: `select rekey.close_rotation($1, 'completed', null, '{}', now(), null)`,
    values: [order.rotationId],
    gets: 'RK005',
  },
  'change a rotation that has ended': {
    by: 'api',
    statement: `select rekey.close_rotation($1, 'cancelled', null, '{}', now(), null)`,
    values: [finished],
    gets: [],
  },
  'start a rotation for no tenant': {
    by: 'api',
    statement: `select rekey.start_rotation(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{}', '{}')`,
    gets: [],
  },
  'forge completed': {
    by: 'worker',
    statement: `select rekey.complete_rotation(id, version, 'completed', ${told}, now()) from rekey.rotations where id = $1`,
    values: [order.rotationId],
    gets: 'RK005',
  },
  'forge another end by the same function': {
    by: 'worker',
    statement: `select rekey.complete_rotation(id, version, 'failed', ${told}, now()) from rekey.rotations where id = $1`,
    values: [order.rotationId],
    gets: 'RK005',
  },
  'complete what has ended once more': {
    by: 'worker',
    statement: `select rekey.complete_rotation(id, version, 'completed', ${told}, now()) from rekey.rotations where id = $1`,
    values: [finished],
    gets: [],
  },
  'prove a range that is not swept': {
    by: 'worker',
    statement: `select outcome, items::int from rekey.prove_secrets($1, 0, $2, 1000)`,
    values: [order.rotationId, owner],
    gets: [{ outcome: 'left', items: 3 }],
  },
  'prove a range that is not its own': {
    by: 'worker',
    statement: `select outcome from rekey.prove_secrets($1, 0, gen_random_uuid(), 1000)`,
    values: [order.rotationId],
    gets: [{ outcome: 'lost' }],
  },
  'prove a range by counts where there are records': {
    by: 'worker',
    statement: `select rekey.prove_by_counts($1, 'secrets', 0, $2) as proved`,
    values: [order.rotationId, owner],
    gets: [{ proved: false }],
  },
  'tell the guard that it is the proof': {
    by: 'worker',
    statement: `with p as materialized (select set_config('rekey.proving', $1::uuid::text, true))
      update rekey.rotation_ranges set proved_at = now() from p where rotation_id = $1`,
    values: [order.rotationId],
    gets: '42501',
  },
  'say that everything is verified': {
    by: 'worker',
    statement: 'select rekey.begin_verifying($1) as verifying',
    values: [order.rotationId],
    gets: [{ verifying: false }],
  },
  'claim a range of a rotation that has ended': {
    by: 'worker',
    statement: `select rekey.claim_range($1, 'secrets', 0, gen_random_uuid(), 1)`,
    values: [finished],
    gets: [],
  },
  'plan ranges of a rotation that has ended': {
    by: 'worker',
    statement: `select rekey.store_ranges($1, '{secrets}', '{99}', '{null}', '{null}', '{0}', null)`,
    values: [finished],
    gets: [],
  },
  'plan a range that lies next to no other': {
    by: 'worker',
    statement: `select target from rekey.store_ranges($1, '{secrets}', '{7}', '{a}', '{null}', '{0}', null)`,
    values: [order.rotationId],
    gets: [{ target: null }],
  },
  'set a record aside in a rotation that has ended': {
    by: 'worker',
    statement: `select rekey.note_batch($1, 'secrets', 0, gen_random_uuid(), 0, 0, null, '{x}', '{MALFORMED}') as noted`,
    values: [finished],
    gets: [{ noted: false }],
  },
  'change a range that is proved': {
    by: 'worker',
    statement: `select rekey.restart_range($1, 'secrets', 0, null)`,
    values: [finished],
    gets: [],
  },
  'replace the material of a DEK in use': {
    by: 'worker',
    statement: `select rekey.store_material($1, 'local:x', $2)`,
    values: [second, randomBytes(64)],
    gets: 'RK002',
  },
  'make an older DEK active': {
    by: 'worker',
    statement: `select rekey.switch_to_dek($1, $2, $3, $4) as switched`,
    values: [order.rotationId, tenantId, second, first],
    gets: [{ switched: 'not_ours' }],
  },
  'switch once more': {
    by: 'worker',
    statement: `select rekey.switch_to_dek($1, $2, $3, $4) as switched`,
    values: [order.rotationId, tenantId, second, order.newDekId],
    gets: [{ switched: 'not_ours' }],
  },
  'read a plain column of a record': { by: 'worker', statement: 'select name from secrets', gets: '42501' },
  'write under an older key': {
    by: 'worker',
    statement: `update secrets set key_number = 1, ciphertext = '\\x0100000001'::bytea || substring(ciphertext from 6)
      where tenant_id = $1`,
    values: [tenantId],
    gets: 'RK001',
  },
  'use up a DEK with 2^32 seals': {
    by: 'application',
    statement: 'select rekey.reserve_seals($1, 4294967296)',
    values: [order.newDekId],
    gets: '42883', // there is no such function: a block is an integer
  },
  'use up a DEK with 2^31 - 1 seals': {
    by: 'application',
    statement: 'select rekey.reserve_seals($1, 2147483647)',
    values: [order.newDekId],
    gets: 'RK002',
  },
  'take seals back': {
    by: 'application',
    statement: 'select rekey.reserve_seals($1, -1)',
    values: [order.newDekId],
    gets: 'RK002',
  },
  'replace the DEK of a tenant that has one': {
    by: 'application',
    statement: `select rekey.create_tenant($1, 'mine now', gen_random_uuid(), 'local:x', $2) as is`,
    values: [other, randomBytes(64)],
    gets: [{ is: 'ready' }],
  },
  "list the DEKs of tenants whose ids it doesn't know": {
    by: 'application',
    statement: 'select id from rekey.wrapped_deks(null, null, null, null)',
    gets: [],
  },
  'destroy the active DEK': {
    by: 'operator',
    statement: 'select rekey.destroy_dek($1) as destroyed',
    values: [order.newDekId],
    gets: [{ destroyed: false }],
  },
  'destroy a DEK that protects records': {
    by: 'operator',
    statement: 'select rekey.destroy_dek($1)',
    values: [second],
    gets: 'RK003',
  },
  'register a table of Rekey itself': {
    by: 'operator',
    statement: `select rekey.register_target('mine', 'secrets', 'rekey.tenants')`,
    gets: 'P0001',
  },
  'unregister a table that holds records': {
    by: 'operator',
    statement: `select rekey.unregister_target('secrets')`,
    gets: 'RK003',
  },
  'admit values of any size': {
    by: 'operator',
    statement: `select rekey.change_setting('value_bytes_max', 9000000000)`,
    gets: '22023',
  },
  'cancel what has ended': {
    by: 'operator',
    statement: 'select rekey.cancel_rotation($1) as cancelled',
    values: [finished],
    gets: [{ cancelled: false }],
  },
};

for (const [what, { by, statement, values = [], gets }] of Object.entries(attempts)) {
  test(`the role ${by} cannot, by what it may do, ${what}`, async () => {
    const contents = await contentsOf(store);
    if (typeof gets === 'string') assert.equal(await sqlState(pools[by].query(statement, values)), gets);
    else assert.deepEqual((await pools[by].query(statement, values)).rows, gets);
    assert.deepEqual(await contentsOf(store), contents);
  });
}
