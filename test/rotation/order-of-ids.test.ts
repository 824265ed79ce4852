import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRunning, switchDek } from '@rekey/control';
import { diagnose, planRanges, prepareSweep, sweepRange } from '@rekey/rotation';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;

/** To one collation these stand as they do here, to another the capitals come first. */
const ids = ['a', 'B', 'c', 'D', 'e', 'F', 'g', 'H', 'i'];

async function inMidRotation(name: string): Promise<{ tenantId: string; rotationId: string }> {
  await store.query(`
    create table ${name} (id text collate "en-x-icu" primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on ${name} (tenant_id, id); select rekey.register_target('${name}', 'secrets', '${name}')`);
  const tenantId = await core.createTenant();
  await vault.putMany({
    target: name,
    tenantId,
    records: ids.map((id) => ({ id, value: Buffer.from(`of ${id}`) })),
  });
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  const running = await loadRunning(store, order.rotationId);
  await planRanges(core.env, { ...order, newKeyNumber: running?.newKeyNumber ?? 0 }, 2);
  return { tenantId, rotationId: order.rotationId };
}

/** As a dump of the midst is restored where the same collation, or the database's, has another order. */
const reorder = (name: string): string => `
  drop trigger rekey_identity_${name} on ${name}; alter table ${name} alter id type text collate "C"`;

async function left(name: string, tenantId: string): Promise<number> {
  const { rows } = await store.query<{ n: number }>(
    `select count(*)::int as n from ${name} where tenant_id = $1 and key_number <> 2`,
    [tenantId],
  );
  return rows[0]?.n ?? -1;
}

test('ranges that were cut when ids stood in another order prove nothing, and are made one by the repair', async () => {
  const { tenantId, rotationId } = await inMidRotation('marks');
  await store.query(reorder('marks'));
  // Puts the trigger back as it was, and nothing else: what a restore would have brought along.
  await store.query(`select rekey.install_fence('marks')`);
  await assert.rejects(core.rotateOnce(rotationId), (error: unknown) => {
    const trouble = diagnose(error);
    assert.ok(trouble.kind === 'transient' && trouble.waitingFor === 'integrity');
    assert.match(trouble.detail?.what ?? '', /public\.marks stand in another order/);
    assert.match(trouble.detail?.todo ?? '', /repair_target\('marks'\)/);
    return true;
  });
  await store.query(`select rekey.repair_target('marks')`);
  const view = await core.finish(rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', ids.length]);
  assert.equal(await left('marks', tenantId), 0);
  for (const id of ids)
    assert.equal((await vault.get({ target: 'marks', tenantId, id }))?.toString(), `of ${id}`);
});

test('nor does what was proved before the order changed count for the ids that came into it', async () => {
  const { tenantId, rotationId } = await inMidRotation('notes');
  const { signal } = new AbortController();
  const sweep = await prepareSweep(core.env, rotationId, signal);
  const target = sweep?.targets.get('notes');
  const range = { rotationId, target: 'notes', ordinal: 4 };
  assert.ok(sweep && target);
  assert.equal(await sweepRange(core.env, { rotation: sweep.rotation, target, range, signal }), 'done');
  const proved = async (): Promise<unknown[]> => {
    const { rows } = await store.query(
      `select lower_id, upper_id, rotated::int from rekey.rotation_ranges
       where rotation_id = $1 and target = 'notes' and proved_at is not null`,
      [rotationId],
    );
    return rows;
  };
  assert.deepEqual(await proved(), [{ lower_id: 'H', upper_id: null, rotated: 1 }]);

  await store.query(reorder('notes'));
  await store.query(`select rekey.install_fence('notes')`);
  // All small letters lie behind H now: in a range that nobody looks at again.
  await assert.rejects(core.rotateOnce(rotationId));
  assert.ok((await left('notes', tenantId)) >= 4);
  assert.notEqual((await core.view(rotationId)).status, 'completed');
  await store.query(`select rekey.repair_target('notes')`);
  assert.deepEqual(await proved(), []);
  const view = await core.finish(rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', ids.length]);
  assert.equal(await left('notes', tenantId), 0);
});

test('a repair in the same order leaves ranges as they were cut', async () => {
  const { tenantId, rotationId } = await inMidRotation('signs');
  await store.query(`select rekey.repair_target('signs')`);
  const { rows } = await store.query<{ n: number }>(
    `select count(*)::int as n from rekey.rotation_ranges where rotation_id = $1 and target = 'signs'`,
    [rotationId],
  );
  assert.equal(rows[0]?.n, 5);
  assert.equal((await core.finish(rotationId)).status, 'completed');
  assert.equal(await left('signs', tenantId), 0);
});
