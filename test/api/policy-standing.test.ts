import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pastTheTriggers } from '../harness/damage.ts';
import { emptyTenant, seededTenant } from './live-api.ts';
import { api, database, defaultPath, get, pathOf, set } from './policy-calls.ts';

test('a tenant’s policy says how its key stands, what the default would give it, and within which bounds', async () => {
  const tenantId = await emptyTenant(api.database);
  const path = pathOf(tenantId);
  const bounds = { rotateEveryDaysMax: 3_000 };
  await set(defaultPath, { rotateEveryDays: 90, bounds });
  const none = (await get(path)).json.data;
  assert.deepEqual([none.standing, none.byDefault.rotateEveryDays, none.bounds], [null, 90, bounds]);
  const active = (await seededTenant(api.database)).tenantId;
  const data = async () => (await get(pathOf(active))).json.data;
  const age = (days: number) =>
    pastTheTriggers(database, (tx) =>
      tx.query(`update rekey.deks set activated_at = now() - $2 * interval '24 hours' where tenant_id = $1`, [
        active,
        days,
      ]),
    );
  await age(1);
  const fresh = (await data()).standing;
  assert.deepEqual([fresh.level, fresh.tries, fresh.triedAt], ['fresh', 0, null]);
  const early = (Date.parse(fresh.overdueAt) - Date.parse(fresh.dueAt)) / (90 * 86_400_000);
  assert.ok(early >= 0 && early <= 0.1, String(early));
  await age(91);
  assert.equal((await data()).standing.level, 'overdue');
  await set(pathOf(active), { rotateEveryDays: 1_000 });
  assert.equal((await data()).standing.level, 'fresh');
  assert.equal((await data()).byDefault.rotateEveryDays, 90, 'whatever it says itself');
  await set(pathOf(active), { rotateBeforeSeals: 1_000, rotateEveryDays: 1_000 });
  await set(defaultPath, {});
  await set(pathOf(active), { rotateBeforeSeals: 1_000 });
  const used = (await data()).standing;
  assert.deepEqual([used.level, used.dueAt, used.overdueAt], ['fresh', null, null]);
});
