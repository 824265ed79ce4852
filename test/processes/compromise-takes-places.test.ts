/** Where ordinary rotations that are held back have all places of a worker, one because of a compromised key gets one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitRotation } from '@rekey/control';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const database = await createTestDatabase();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });
const { store } = rekey;
const steering = { actor: { id: 'ada', name: null, email: null }, reason: null };

test('sweeps that are slowed down give their places up, and go on afterwards', async () => {
  // A worker of the tests has two places for ranges, and sixteen for rotations.
  const tenants = await Promise.all(Array.from({ length: 18 }, () => rekey.seedTenant(170)));
  const slow = await Promise.all(
    tenants.map(async ({ tenantId }) => (await rekey.rotate(tenantId)).body.data.rotationId.slice(4)),
  );
  for (const id of slow)
    await limitRotation(store, id, { itemsPerSecondMax: 1, mayRaise: true, ...steering });
  const urgent = await rekey.seedTenant(170);
  await workerHere(rekey, rekey.kek);
  const sweeping = async (): Promise<number> => {
    const { rows } = await store.query<{ n: number }>(
      `select count(distinct rotation_id)::int as n from rekey.rotation_ranges
       where owner is not null and rotation_id = any($1)`,
      [slow],
    );
    return rows[0]?.n ?? 0;
  };
  await until(async () => (await sweeping()) === 16, { what: 'all places are taken by slow ones' });

  const response = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/dek/rotate`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${rekey.token}`,
      'content-type': 'application/json',
      'x-tenantid': urgent.tenantId,
    },
    body: JSON.stringify({ tenantId: urgent.tenantId, compromise: true }),
  });
  assert.equal(response.status, 200);
  const { data } = (await response.json()) as { data: { rotationId: string } };
  // A slow one would keep its place for minutes.
  assert.equal((await rekey.ended(data.rotationId, { timeoutMs: 20_000 })).status, 'completed');
  assert.equal(await rekey.leftOnOlderKeys(urgent.tenantId), 0);

  const { rows } = await store.query<{ status: string; failure: string | null }>(
    'select status, failure_reason as failure from rekey.rotations where id = any($1)',
    [slow],
  );
  assert.deepEqual(
    new Set(rows.map(({ status, failure }) => `${status} ${failure}`)),
    new Set(['in_progress null']),
  );
  for (const id of slow)
    await limitRotation(store, id, { itemsPerSecondMax: null, mayRaise: true, ...steering });
  for (const id of slow) assert.equal((await rekey.ended(`rot-${id}`)).status, 'completed');
});
