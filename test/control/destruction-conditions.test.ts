import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destroyKey, scheduleDestruction } from '@rekey/control';
import { asRole } from '../harness/roles.ts';
import {
  api,
  core,
  everybodyReports,
  evidenceOf,
  heard,
  isRefusedToo,
  onlyMissing,
  operator,
  pastTheFence,
  pastTriggers,
  person,
  pool,
  rotated,
  scheduled,
  set,
  statesOf,
  worker,
} from './destruction-desk.ts';

test('a record that names the key refuses, in the very transaction, and is named with its table', async () => {
  const { tenantId, old } = await scheduled();
  await onlyMissing(old, {});
  await pastTheFence(tenantId, 1);
  assert.deepEqual((await evidenceOf(old, 'no_records'))?.records, { secrets: 3 });
  await isRefusedToo(old, 'no_records');
  await pastTheFence(tenantId, 2);
  await onlyMissing(old, {});
  assert.equal(await destroyKey(worker, old), true);
});

test('a registered table that is not what it was makes it unknown whether records name the key', async () => {
  const { old } = await scheduled();
  await onlyMissing(old, {});
  await pool.query('alter table secrets disable trigger rekey_fence_insert_secrets');
  await isRefusedToo(old, 'no_records', 'unknown');
  assert.notDeepEqual((await evidenceOf(old, 'no_records'))?.problems, []);
  await pool.query('alter table secrets enable trigger rekey_fence_insert_secrets');
  await onlyMissing(old, {});
});

test('a key that a transaction still holds is refused, whatever else holds', async () => {
  const { old } = await scheduled();
  await onlyMissing(old, {});
  await pastTriggers('update rekey.dek_locks set closed_at = null where dek_id = $1', [old]);
  assert.equal((await statesOf(old)).drained, 'unmet');
  await isRefusedToo(old, 'drained');
  await pastTriggers('update rekey.dek_locks set closed_at = clock_timestamp() where dek_id = $1', [old]);
  await onlyMissing(old, {});
});

test('a key that was used lately is refused, and a live process that tells of it is evidence', async () => {
  const { old } = await scheduled();
  await onlyMissing(old, {});
  await set('destruction_unused_seconds', 3_600);
  await pool.query(`update rekey.database_sightings set seen_at = seen_at - interval '1 day'`);
  await pool.query(`update rekey.migrations set ran_at = ran_at - interval '1 day' where name like '0038%'`);
  await everybodyReports([old]);
  await isRefusedToo(old, 'unused');
  const evidence = await evidenceOf(old, 'unused');
  assert.ok(typeof evidence?.lastUsedAt === 'string' && evidence.seconds === 3_600);
  await set('destruction_unused_seconds', 1);
  await onlyMissing(old, {});
});

test('silence is no evidence: a silent process, one that has not told everything, a role never heard of', async () => {
  const { old } = await scheduled();
  await onlyMissing(old, {});
  await pool.query(
    `update rekey.processes set told_at = told_at - interval '181 s', heartbeat_at = heartbeat_at - interval '181 s'
     where id = $1`,
    [heard.application],
  );
  await isRefusedToo(old, 'unused', 'unknown');
  assert.ok(JSON.stringify(await evidenceOf(old, 'unused')).includes(heard.application));
  await everybodyReports();
  await onlyMissing(old, {});

  await pool.query('update rekey.processes set told_at = null where id = $1', [heard.worker]);
  await isRefusedToo(old, 'unused', 'unknown');
  await onlyMissing(old, {});

  // Its processes are of another role now: of its own none was ever heard.
  const role = new URL(asRole(core.database.url, 'worker')).username;
  await pool.query(`update rekey.processes set database_role = 'another' where id = $1`, [heard.worker]);
  await isRefusedToo(old, 'unused', 'unknown');
  assert.deepEqual((await evidenceOf(old, 'unused'))?.unheardRoles, [role]);
  await pool.query('update rekey.processes set database_role = $2 where id = $1', [heard.worker, role]);
  await onlyMissing(old, {});
});

test('a database that is not the one that was watched makes it unknown whether the key was used', async () => {
  const { old } = await scheduled();
  await onlyMissing(old, {});
  await pool.query(
    `insert into rekey.database_sightings (database_id, timeline) values ('another', '00000001')`,
  );
  await isRefusedToo(old, 'unused', 'unknown');
  await pool.query('select rekey.recognize_database()');
  await set('destruction_unused_seconds', 3_600);
  await pool.query('delete from rekey.process_deks');
  await isRefusedToo(old, 'unused', 'unknown');
  await set('destruction_unused_seconds', 1);
  await onlyMissing(old, {});
});

test('backups: nobody has said how long they are kept, or they are kept still, or nothing proved the key empty', async () => {
  const { tenantId, old } = await rotated();
  await pool.query(`delete from rekey.settings where name = 'backup_horizon_seconds'`);
  assert.deepEqual(await scheduleDestruction(api, old, person('ada')), {
    kind: 'refused',
    conditions: [{ name: 'backups', state: 'unmet' }],
  });
  // Declared by the operator; from then on it is lowered by the owner only.
  await operator.query(`select rekey.change_setting('backup_horizon_seconds', 3600)`);
  assert.deepEqual(await scheduleDestruction(api, old, person('ada')), { kind: 'changed' });
  await onlyMissing(old, { backups: 'unmet' });
  await isRefusedToo(old, 'backups');
  assert.match(String((await evidenceOf(old, 'backups'))?.provedBy), /^rot-/);
  await set('backup_horizon_seconds', 1);
  await onlyMissing(old, {});

  const { tenantId: other, old: cancelled } = await rotated();
  await pastTriggers(`update rekey.rotations set status = 'cancelled' where tenant_id = $1`, [other]);
  await scheduleDestruction(api, cancelled, person('ada'));
  await onlyMissing(cancelled, { backups: 'unmet' });
  await isRefusedToo(cancelled, 'backups');
  assert.notEqual(tenantId, other);
});
