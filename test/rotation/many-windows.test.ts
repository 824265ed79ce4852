import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { rows } from '@rekey/db';
import { fixedBatchSize, rotate } from '@rekey/rotation';
import { damage, flipBit } from '../harness/damage.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { total } from '../harness/sweep-facts.ts';

const core = await rotationCore();

const records = 1_500;
/** Mostly small; now and then one that makes a window of its own, or is too large for its memory to be kept. */
const sizeOf = (n: number): number => (n % 700 === 3 ? 5_000_000 : n % 90 === 5 ? 40_000 : (n * 7_919) % 900);

test('windows and batches of several rotations share memory, and no record comes to another’s bytes', async (t) => {
  const tenants = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const tenantId = randomUUID();
      await core.vault.createTenant({ tenantId, name: 'a tenant' });
      const values = Array.from({ length: records }, (_, n) => ({
        id: randomUUID(),
        value: randomBytes(sizeOf(n)),
        columns: { name: 'a record' },
      }));
      await core.vault.putMany({ target: 'secrets', tenantId, records: values });
      const damaged = values.filter((_, n) => n % 50 === 7);
      for (const { id } of damaged) await damage(core.pool, 'secrets', id, flipBit);
      const intact = values.filter((value) => !damaged.includes(value));
      return { tenantId, intact, damaged };
    }),
  );

  // Others hold some of the records: their batches are sent a second time, without them.
  const holder = await core.pool.connect();
  t.after(() => holder.release(true));
  const held = tenants.flatMap(({ intact }) => intact.filter((_, n) => n % 40 === 0).map(({ id }) => id));
  await holder.query('begin');
  await holder.query('select from secrets where id = any($1) for update', [held]);
  const letGo = sleep(1_500).then(() => holder.query('rollback'));

  const patience = AbortSignal.timeout(300_000);
  const env = core.environment({ batchSize: fixedBatchSize(10) });
  await Promise.all(
    tenants.map(async ({ tenantId, intact, damaged }) => {
      const rotationId = await core.start(tenantId);
      while ((await rotate(env, rotationId, patience)) === 'left' && !patience.aborted);
      const view = await core.view(rotationId);
      assert.equal(view.status, 'completed_with_failures');
      assert.deepEqual([total(view.itemsRotated), total(view.itemsFailed)], [intact.length, damaged.length]);
      const expected = intact.map(({ id, value }) => [`secrets/${id}`, value] as const);
      assert.deepEqual(wrong(await openAll(core, tenantId), expected), []);
      const named = await rows<{ record_id: string }>(
        core.store,
        'select record_id from rekey.rotation_failures where rotation_id = $1',
        [rotationId],
      );
      assert.deepEqual(named.map(({ record_id }) => record_id).sort(), damaged.map(({ id }) => id).sort());
    }),
  );
  await letGo;
});
