/** What `destroyAfterDays` of a policy asks for, and what it never does by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelDestruction, destroyKey, scheduleByPolicy } from '@rekey/control';
import { sqlState } from '../harness/session.ts';
import {
  api,
  application,
  everybodyReports,
  onlyMissing,
  operator,
  pastTheFence,
  pastTriggers,
  person,
  pool,
  rotated,
  set,
  worker,
} from './destruction-desk.ts';

async function put(tenantId: string | null, policy: object): Promise<void> {
  await pool.query(
    `insert into rekey.policies (tenant_id, version, policy) values ($1,
       (select coalesce(max(version), 0) + 1 from rekey.policies where tenant_id is not distinct from $1), $2)`,
    [tenantId, JSON.stringify(policy)],
  );
}
/** A tenant whose old DEK has been out of use for so many days. */
async function outOfUse(days: number): Promise<Awaited<ReturnType<typeof rotated>>> {
  const all = await rotated();
  await pastTriggers(
    `update rekey.deks set deactivated_at = clock_timestamp() - $2::float8 * interval '24 hours' where id = $1`,
    [all.old, days],
  );
  return all;
}
const later = (old: string) =>
  pastTriggers(
    `update rekey.policy_destructions set tried_at = tried_at - interval '6 hours' where dek_id = $1`,
    [old],
  );
const eventsOf = async (tenantId: string): Promise<unknown[]> =>
  (
    await pool.query(
      `select payload ->> 'keyId' as key, actor ->> 'kind' as kind, actor ->> 'id' as id from rekey.events
       where chain = $1 and kind = 'key.destruction_scheduled' order by sequence`,
      [tenantId],
    )
  ).rows;

test('a key that is out of use for as long as its policy says is destroyed, under the conditions of every destruction', async () => {
  await outOfUse(29.9);
  const due = await outOfUse(30.1);
  await everybodyReports();
  assert.equal(await scheduleByPolicy(worker), null, 'no policy says so');
  const kept = await outOfUse(40);
  await put(kept.tenantId, { destroyAfterDays: 60 });
  await put(null, { destroyAfterDays: 30 });
  const tried = await scheduleByPolicy(worker);
  assert.deepEqual(tried, {
    tenantId: due.tenantId,
    dekId: due.old,
    policyVersion: '1.0',
    isAsked: true,
  });
  assert.equal(
    await scheduleByPolicy(worker),
    null,
    'one is not out of use for so long, the other’s policy says longer',
  );
  assert.deepEqual(await eventsOf(due.tenantId), [{ key: due.old, kind: 'policy', id: 'policy-1.0' }]);
  await onlyMissing(due.old, {});
  assert.equal(await destroyKey(worker, due.old), true);
});

test('one that still protects records is refused, and tried again hours later', async () => {
  const { tenantId, old } = await outOfUse(40);
  await pastTheFence(tenantId, 1);
  assert.equal((await scheduleByPolicy(worker))?.isAsked, false);
  assert.equal(await scheduleByPolicy(worker), null, 'its records are not counted every ten seconds');
  await pastTheFence(tenantId, 2);
  await later(old);
  assert.equal((await scheduleByPolicy(worker))?.isAsked, true);
});

test('what somebody has cancelled is left alone, whoever had asked for it', async () => {
  const { old } = await outOfUse(40);
  assert.equal((await scheduleByPolicy(worker))?.isAsked, true);
  assert.equal((await cancelDestruction(api, old, person('ada'))).kind, 'changed');
  await later(old);
  assert.equal(await scheduleByPolicy(worker), null);

  const other = await outOfUse(40);
  await pool.query('select rekey.schedule_destruction($1, null, null)', [other.old]);
  assert.equal((await cancelDestruction(api, other.old, person('ada'))).kind, 'changed');
  assert.equal((await scheduleByPolicy(worker))?.isAsked, false);
  assert.equal((await eventsOf(other.tenantId)).length, 1, 'the one by hand');
});

test('none is asked for where nobody has declared how long backups are kept, and by workers only', async () => {
  await outOfUse(40);
  await pastTriggers(`delete from rekey.settings where name = 'backup_horizon_seconds'`, []);
  assert.equal(await scheduleByPolicy(worker), null);
  await set('backup_horizon_seconds', 1);
  for (const role of [api, application, operator])
    assert.equal(await sqlState(role.query('select rekey.schedule_by_policy()')), '42501');
  const both = await Promise.all([scheduleByPolicy(worker), scheduleByPolicy(worker)]);
  assert.equal(both.filter((one) => one !== null).length, 1, 'of two workers one asks');
});
