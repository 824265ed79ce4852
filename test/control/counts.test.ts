import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { completeRotation, findRotation, foldRecordCounts } from '@rekey/control';
import { concludeHere, IntegrityTrouble, prepareSweep, sweepHere } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault, env } = core;
const signal = new AbortController().signal;

async function sweep(rotationId: string): Promise<void> {
  const prepared = await prepareSweep(env, rotationId, signal);
  assert.ok(prepared !== null);
  assert.equal(await sweepHere(env, prepared, signal), 'done');
}

async function swept(records: number): Promise<{ tenantId: string; ids: string[]; rotationId: string }> {
  const { tenantId, ids } = await core.tenantWith(records);
  const rotationId = await core.start(tenantId);
  await sweep(rotationId);
  return { tenantId, ids, rotationId };
}

const put = (tenantId: string, id: string = randomUUID()): Promise<void> =>
  vault.put({ target: 'secrets', tenantId, id, value: Buffer.from('x'), columns: { name: 'n' } });

async function counts(rotationId: string): Promise<unknown> {
  const { rows } = await store.query(
    `select seen::int, records::int, churn::int from rekey.rotation_counts($1) where target = 'secrets'`,
    [rotationId],
  );
  return rows[0];
}

/** As something does that fires no triggers. */
async function bypassing(sql: string, values: unknown[]): Promise<void> {
  const client = await store.connect();
  try {
    await client.query(`begin; set local session_replication_role = 'replica'`);
    await client.query(sql, values);
    await client.query('commit');
  } finally {
    client.release();
  }
}

const kept = async (tenantId: string): Promise<number> =>
  (await store.query(`select records::int from rekey.kept_count($1, 'secrets')`, [tenantId])).rows[0]
    ?.records;

test('churn is what came and went, whether it is folded or not, and a recount is none of it', async () => {
  const { tenantId, ids } = await core.tenantWith(5);
  const churn = async (): Promise<number[]> => {
    const { rows } = await store.query(
      `select records::int, churn::int from rekey.kept_count($1, 'secrets')`,
      [tenantId],
    );
    return [rows[0]?.records, rows[0]?.churn];
  };
  assert.deepEqual(await churn(), [5, 5]);
  await store.query('delete from secrets where id = any ($1)', [ids.slice(0, 2)]);
  await put(tenantId);
  assert.deepEqual(await churn(), [4, 8]);
  while ((await foldRecordCounts(store)) > 0);
  assert.deepEqual(await churn(), [4, 8]);
  await bypassing('delete from secrets where id = $1', [ids[2]]);
  await store.query(`select rekey.recount_records('secrets')`);
  assert.deepEqual(await churn(), [3, 8]);
  while ((await foldRecordCounts(store)) > 0);
  assert.deepEqual(await churn(), [3, 8]);
});

test('what comes and goes during a rotation explains a difference, up to its number', async () => {
  const { tenantId, ids, rotationId } = await swept(10);
  await store.query('delete from secrets where id = any ($1)', [ids.slice(0, 3)]);
  await Promise.all([put(tenantId), put(tenantId), put(tenantId, ids[5])]);
  assert.deepEqual(await counts(rotationId), { seen: 10, records: 9, churn: 5 });
  await foldRecordCounts(store);
  assert.deepEqual(await counts(rotationId), { seen: 10, records: 9, churn: 5 });
  assert.equal(await concludeHere(env, rotationId), 'done');
});

test('records that the proofs did not see keep a rotation from being completed, by its call and by anybody', async () => {
  const { rotationId } = await swept(10);
  // As though an index had hidden three.
  await store.query('alter table rekey.rotation_ranges disable trigger guard_range_update');
  await store.query(
    `update rekey.rotation_ranges set seen = seen - 3 where rotation_id = $1 and target = 'secrets'`,
    [rotationId],
  );
  await store.query('alter table rekey.rotation_ranges enable trigger guard_range_update');
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await assert.rejects(concludeHere(env, rotationId), (error) => {
      assert.ok(error instanceof IntegrityTrouble);
      assert.deepEqual(
        error.problems.map(({ code }) => code),
        ['COUNT'],
      );
      assert.match(error.message, /saw 7 records where the count that is kept says 10/);
      return true;
    });
  }
  const view = await findRotation(store, rotationId);
  assert.deepEqual([view?.status, view?.completedAt], ['in_progress', null]);
  // Swept and proved once more, with nothing hidden.
  await store.query(`select rekey.repair_target('secrets')`);
  assert.equal((await core.finish(rotationId)).status, 'completed');
});

for (const [what, sql] of [
  ['deleted', 'delete from secrets where id = any ($1)'],
  [
    'inserted',
    `insert into secrets select gen_random_uuid(), tenant_id, name, key_number, ciphertext from secrets where id = any ($1)`,
  ],
] as const) {
  test(`a kept count that is off, since records were ${what} past its triggers, is mended and told, and the rotation completed`, async () => {
    const { tenantId, ids } = await core.tenantWith(12);
    await bypassing(sql, [ids.slice(0, 4)]);
    const rotationId = await core.start(tenantId);
    await sweep(rotationId);
    const told: string[] = [];
    const onMended = (_: string, text: string): unknown => told.push(text);
    assert.equal(await concludeHere({ ...env, onMended }, rotationId), 'done');
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', what === 'deleted' ? /secrets was off by 4/ : /secrets was off by -4/);
    assert.equal(await kept(tenantId), what === 'deleted' ? 8 : 16);
  });
}

test('a table that is registered during a rotation begins with what is in it', async () => {
  const tenantId = await core.createTenant();
  const order = await core.start(tenantId);
  await store.query(`create table later (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on later (tenant_id, id)`);
  await store.query(
    `insert into later select gen_random_uuid(), $1, 1, '\\x010000000100' from generate_series(1, 20)`,
    [tenantId],
  );
  await sweep(order);
  await store.query(`select rekey.register_target('later', 'secrets', 'later')`);
  const view = await core.finish(order);
  assert.deepEqual([view.status, view.itemsFailed.secrets], ['completed_with_failures', 20]);
});

test('rotations under concurrent inserts and deletes are never doubted', async () => {
  const { tenantId, ids } = await core.tenantWith(300);
  let over = false;
  const writer = async (): Promise<void> => {
    while (!over) {
      const id = randomUUID();
      await put(tenantId, id);
      await store.query('delete from secrets where id = any ($1)', [[id, ids.pop() ?? id]]);
      await foldRecordCounts(store, 3);
    }
  };
  const writers = [writer(), writer()];
  try {
    for (let i = 0; i < 5; i += 1) {
      assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
    }
  } finally {
    over = true;
    await Promise.all(writers);
  }
});

test('whether all is proved is asked by the database itself, whoever says completed', async () => {
  const { rotationId } = await swept(3);
  const say = (status: string): Promise<unknown> =>
    store.query(
      `update rekey.rotations set status = $2, phase = 'done', completed_at = now() where id = $1`,
      [rotationId, status],
    );
  const refused = (error: unknown): boolean =>
    error instanceof Error && 'code' in error && error.code === 'RK005';
  await store.query(`alter table secrets disable trigger rekey_fence_insert_secrets`);
  await assert.rejects(say('completed'), refused);
  await store.query(`alter table secrets enable trigger rekey_fence_insert_secrets`);
  await store.query(`select rekey.repair_target('secrets')`);
  for (const status of ['completed', 'completed_with_failures']) await assert.rejects(say(status), refused);
  assert.deepEqual(await completeRotation(store, rotationId), { kind: 'not_proved' });
  await sweep(rotationId);
  await say('completed');
});
