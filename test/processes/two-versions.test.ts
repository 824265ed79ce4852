import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkSchema, migrate } from '@rekey/schema';
import { sums } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';
import { both, crosswise, ended, few, many, rotate, skip, startNewApi } from './both-versions.ts';

test('an older worker works for a newer API', { skip }, async (t) => {
  const rekey = await both(t, { workers: 0 });
  const api = await startNewApi(rekey, t);
  await rekey.startOldWorker();
  await rotate(t, rekey, await rekey.seedTenant(few), api, [api]);
});

test('a newer worker works for an older API', { skip }, async (t) => {
  const rekey = await both(t, { workers: 1 });
  const api = await rekey.startOldApi();
  await rotate(t, rekey, await rekey.seedTenant(few), api, [api]);
});

test('workers of both versions share the ranges of one rotation, and calls of one are answered by the other', {
  skip,
}, async (t) => {
  const rekey = await both(t, { workers: 1 });
  const [newApi, oldApi] = [await startNewApi(rekey, t), await rekey.startOldApi()];
  await rekey.startOldWorker();
  const { tenantId, records } = await rekey.seedTenant(many);
  await rotate(t, rekey, { tenantId, records }, newApi, [newApi, oldApi], async () => {
    const seen = new Set<boolean>();
    await until(
      async () => {
        const { rows } = await rekey.store.query<{ older: boolean }>(
          `select distinct usename like 'older%' as older from pg_stat_activity
           where datname = current_database() and application_name = 'rekey-sweep' and query like '%hold_lease%'`,
        );
        for (const { older: isOlder } of rows) seen.add(isOlder);
        return seen.size === 2;
      },
      { what: 'batches of both are written', everyMs: 5 },
    );
  });
  await crosswise(rekey, newApi, oldApi);
  await crosswise(rekey, oldApi, newApi);
});

test('an upgrade under an older installation at work, in the midst of a rotation', { skip }, async (t) => {
  const rekey = await both(t, { workers: 0, upgraded: false });
  const oldApi = await rekey.startOldApi();
  await rekey.startOldWorker();
  const { vault } = rekey.old;
  const tenantId = randomUUID();
  await vault.createTenant({ tenantId, name: 'older' });
  const records = Array.from({ length: many }, () => ({ target: 'secrets', id: randomUUID() }));
  for (let at = 0; at < many; at += 1_000) {
    await vault.putMany({
      target: 'secrets',
      tenantId,
      records: records
        .slice(at, at + 1_000)
        .map(({ id }) => ({ id, value: Buffer.from('v'), columns: { name: id } })),
    });
  }
  const answer = await oldApi.rotate(tenantId);
  assert.equal(answer.status, 200);
  const { rotationId } = answer.body.data;
  await until(async () => sums((await oldApi.status(rotationId)).body.data).rotated > many / 10, {
    what: 'a tenth is swept',
    everyMs: 5,
  });
  await migrate(rekey.databaseUrl);
  await checkSchema(rekey.store);
  const { rotated } = sums((await oldApi.status(rotationId)).body.data);
  t.diagnostic(`${rotated} of ${many} were swept when it was migrated`);
  await rekey.addWorker();
  const newApi = await startNewApi(rekey, t);
  const end = await ended(newApi, rotationId);
  assert.equal(end.status, 'completed');
  assert.deepEqual((await oldApi.status(rotationId)).body.data.itemsRotated, end.itemsRotated);
  assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  const { rows } = await rekey.store.query('select * from rekey.integrity_problems()');
  assert.deepEqual(rows, []);
});
