import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  approveDestruction,
  type ConditionName,
  destroyKey,
  findDestruction,
  reportUsage,
  scheduleDestruction,
} from '@rekey/control';
import { openStore } from '@rekey/db';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { asRole, type Role } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

export const core = await rotationCore();
export const { pool } = core;
const as = (role: Role) => {
  const store = openStore({ ...patient, url: asRole(core.database.url, role), onError: () => {} });
  thisFile.after(() => store.end());
  return store;
};
export const [api, worker, application, operator] = [
  as('api'),
  as('worker'),
  as('application'),
  as('operator'),
];
export const person = (id: string, realm = 'default') => ({
  actor: { kind: 'user', realm, id, name: null, email: null },
  reason: null,
});
export const set = (name: string, value: number) =>
  pool.query('select rekey.change_setting($1, $2)', [name, value]);

// Seconds, as the owner of the schema may have them.
await set('destruction_grace_seconds', 1);
await set('destruction_unused_seconds', 1);
await set('backup_horizon_seconds', 1);
await pool.query('select rekey.recognize_database()');

export const heard = { application: randomUUID(), worker: randomUUID() };
/** What each process of the installation says of itself. */
export async function everybodyReports(opened: readonly string[] = []): Promise<void> {
  for (const [store, kind, processId] of [
    [application, 'vault', heard.application],
    [worker, 'worker', heard.worker],
  ] as const)
    await reportUsage(store, {
      processId,
      kind,
      host: 'a-host',
      version: '1',
      ends: false,
      toldAll: true,
      opened: opened.map((dekId) => ({ dekId, sinceMs: 0, lastMs: 0 })),
      proved: [],
      latencies: {},
    });
}

/** A tenant after a rotation: its old DEK protects nothing any more. */
export async function rotated(): Promise<{ tenantId: string; ids: string[]; old: string }> {
  const { tenantId, ids } = await core.tenantWith(3);
  const { id: old } = await core.activeKey(tenantId);
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  return { tenantId, ids, old };
}

export const statesOf = async (keyId: string): Promise<Partial<Record<ConditionName, string>>> =>
  Object.fromEntries(
    ((await findDestruction(api, keyId))?.conditions ?? []).map(({ name, state }) => [name, state]),
  );
export const evidenceOf = async (keyId: string, wanted: ConditionName) =>
  (await findDestruction(api, keyId))?.conditions.find(({ name }) => name === wanted)?.evidence;
const stateOf = async (keyId: string): Promise<string | undefined> =>
  (await findDestruction(api, keyId))?.state;
/** Everybody goes on reporting, and time passes, until that is all that is not met. */
export const onlyMissing = (keyId: string, missing: Partial<Record<ConditionName, string>>) =>
  until(
    async () => {
      await everybodyReports();
      const open = Object.entries(await statesOf(keyId)).filter(([, state]) => state !== 'met');
      return JSON.stringify(Object.fromEntries(open)) === JSON.stringify(missing) ? true : undefined;
    },
    { what: `what is missing is ${JSON.stringify(missing)}` },
  );
/** By SQL, and by the worker's housekeeping. */
export async function isRefused(keyId: string): Promise<void> {
  assert.equal(await sqlState(operator.query('select rekey.destroy_dek($1)', [keyId])), 'RK003');
  assert.equal(await destroyKey(worker, keyId), false);
  assert.equal(await stateOf(keyId), 'deactivated');
}
/** The same with an approval, which the API refuses for whatever no time mends. */
export async function isRefusedToo(keyId: string, name: ConditionName, state = 'unmet'): Promise<void> {
  await isRefused(keyId);
  const outcome = await approveDestruction(api, keyId, person('grace'));
  assert.ok(outcome.kind === 'refused', outcome.kind);
  assert.deepEqual(outcome.conditions, [{ name, state }]);
}
export async function scheduled(): Promise<Awaited<ReturnType<typeof rotated>>> {
  const all = await rotated();
  await everybodyReports();
  assert.deepEqual(await scheduleDestruction(api, all.old, person('ada')), { kind: 'changed' });
  return all;
}

/** As nobody can but a superuser: past every trigger. */
export async function pastTriggers(sql: string, values: readonly unknown[]): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`set local session_replication_role = 'replica'`);
    await client.query(sql, [...values]);
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** Puts the tenant's records under another number. */
export const pastTheFence = (tenantId: string, keyNumber: number): Promise<void> =>
  pastTriggers(
    `update secrets set key_number = $2::int, ciphertext = overlay(ciphertext placing int4send($2::int) from 2 for 4)
     where tenant_id = $1`,
    [tenantId, keyNumber],
  );
