import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { pastTheTriggers } from '../../harness/damage.ts';
import { rotationCore } from '../../harness/rotation.ts';
import { concerned } from './concerned.ts';

const core = await rotationCore();
const { store, pool, kek } = core;
const other = 'aws-kms:arn:other';

test('whom trouble with a KMS may concern: who is under its KEK, or is brought there or away by something that is unfinished', async () => {
  const [chooses, rotates, rewraps, leaves, settled, nobody] = await Promise.all(
    Array.from({ length: 6 }, () => core.createTenant()),
  );
  assert.ok(
    chooses !== undefined &&
      rotates !== undefined &&
      rewraps !== undefined &&
      leaves !== undefined &&
      settled !== undefined,
  );
  const of = async (): Promise<string[]> => (await concerned(pool, 'other', other)).sort();
  assert.deepEqual(await of(), []);
  await store.query(
    `insert into rekey.kek_choices (tenant_id, id, kek_name, state) values ($1, $2, 'other', 'pending')`,
    [chooses, randomUUID()],
  );
  assert.deepEqual(await of(), [chooses]);

  // Its choice is another one by now; the rotation's stays.
  const rotationId = await core.start(rotates);
  const rewrapId = randomUUID();
  const rewrap = async (id: string, tenantId: string, to: string): Promise<unknown> =>
    pool.query(
      `insert into rekey.rewraps (id, tenant_id, kek_name, kek_id, calls_per_second_max, forced, initiated_by, deks_at_start, deks)
       values ($1, $2, 'k', $3, 10, false, '{}', 0, 0)`,
      [id, tenantId, to],
    );
  // What was rotated away from, and is read no more.
  for (const tenantId of [leaves, settled]) {
    await pastTheTriggers(pool, (tx) =>
      tx.query(
        `update rekey.dek_material set kek_id = $2 where dek_id = (select id from rekey.deks where tenant_id = $1)`,
        [tenantId, other],
      ),
    );
  }
  assert.deepEqual(await of(), [chooses, leaves, settled].sort());
  for (const tenantId of [leaves, settled])
    await pastTheTriggers(pool, async (tx) => {
      const { rows } = await tx.query<{ id: string }>(
        `insert into rekey.deks (id, tenant_id, key_number, state) values (gen_random_uuid(), $1, 2, 'pre_active') returning id`,
        [tenantId],
      );
      return tx.query(
        `insert into rekey.rotations (id, tenant_id, new_dek_id, items_to_rotate, initiated_by, status, phase, started_at, switched_at,
           completed_at, estimated_completion)
         select gen_random_uuid(), $1, $2, '{}', '{}', 'completed', 'done', ago, ago, ago, ago
         from (select now() - interval '1 hour' as ago) then_`,
        [tenantId, rows[0]?.id],
      );
    });
  assert.deepEqual(await of(), [chooses]);
  await pastTheTriggers(pool, async (tx) => {
    await tx.query('update rekey.rotations set kek_id = $2 where id = $1', [rotationId, other]);
  });
  assert.deepEqual(await of(), [chooses, rotates].sort());
  await rewrap(rewrapId, rewraps, other);
  assert.deepEqual(await of(), [chooses, rotates, rewraps].sort());
  await rewrap(randomUUID(), leaves, kek.id);
  assert.deepEqual(await of(), [chooses, rotates, rewraps, leaves].sort());
  assert.ok(nobody !== undefined && !(await of()).includes(nobody));
});
