import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measuredBatchSize, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;

test('where no statement may write temporary files, a batch fits into memory, whatever the database was given', async (t) => {
  const { tenantId, ids } = await core.tenantWith(450);
  await vault.putMany({
    target: 'secrets',
    tenantId,
    records: ids.map((id) => ({ id, value: Buffer.alloc(1_000, id) })),
  });
  const name = new URL(core.database.url).pathname.slice(1);
  await store.query(
    `alter database "${name}" set work_mem = '64kB'; alter database "${name}" set temp_file_limit = 0`,
  );
  t.after(() => store.query(`alter database "${name}" reset all`));
  const rotationId = await core.start(tenantId);
  // Settings of a database hold for sessions that begin after them.
  const env = core.environment({ batchSize: measuredBatchSize() });
  assert.equal(await rotate(env, rotationId, new AbortController().signal), 'done');
  const view = await core.view(rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 450]);
});

test('in a publication for all tables a rotation completes, and counts are folded', async (t) => {
  const { tenantId } = await core.tenantWith(5);
  await store.query('create publication everything for all tables');
  t.after(() => store.query('drop publication everything'));
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  // As an upgrade leaves it that was not let: the first call mends it.
  await store.query('alter table rekey.record_deltas replica identity default');
  for (const _ of ['mends', 'folds']) await store.query('select rekey.fold_counts(1000)');
  assert.deepEqual((await store.query('select from rekey.record_deltas')).rows, []);
});
