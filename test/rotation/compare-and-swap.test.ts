import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idText, proveRange, releaseLease, type SealedRecord } from '@rekey/data';
import { rotate } from '@rekey/rotation';
import { bytesOf, damage } from '../harness/damage.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { total } from '../harness/sweep-facts.ts';
import { beginSweep } from '../harness/sweep-step.ts';
import { takesUnder, upToThreeTimes } from '../harness/tries.ts';

const core = await rotationCore();

async function tenantOf(secrets: number): Promise<{ tenantId: string; ids: string[] }> {
  const { tenantId } = await seedTenant(core.vault, 0);
  const ids = Array.from({ length: secrets }, () => crypto.randomUUID()).sort();
  await core.vault.putMany({
    target: 'secrets',
    tenantId,
    records: ids.map((id) => ({ id, value: firstValue(id), columns: { name: 'a secret' } })),
  });
  return { tenantId, ids };
}

const put = (tenantId: string, id: string, value: string): Promise<void> =>
  core.vault.put({ target: 'secrets', tenantId, id, value: Buffer.from(value) });

const get = async (tenantId: string, id: string): Promise<string | undefined> =>
  (await core.vault.get({ target: 'secrets', tenantId, id }))?.toString();

const idOf = (record: SealedRecord): string => idText('uuid', record.id);

test('a write between the read and the write of the sweep is kept', async () => {
  const { tenantId, ids } = await tenantOf(3);
  const [changed = ''] = ids;
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  assert.deepEqual(read.map(idOf), ids);
  await put(tenantId, changed, 'newer');
  assert.equal(await sweep.write(read), 2);
  assert.equal(await get(tenantId, changed), 'newer');
});

test('a write under the same key number that was read is kept: the swap compares the IV, not the number', async () => {
  const { tenantId, ids } = await tenantOf(2);
  const [changed = ''] = ids;
  const stale = await bytesOf(core.pool, 'secrets', changed);
  await put(tenantId, changed, 'newer, under the same key');
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  // What a sweep holds that read before that write did: only the IV tells the two apart.
  const asItWas = read.map((record) =>
    idOf(record) === changed ? { ...record, ciphertext: stale } : record,
  );
  assert.equal(await sweep.write(asItWas), 1);
  assert.equal(await get(tenantId, changed), 'newer, under the same key');
});

test('a writer that holds the record, changes it and commits while the sweep waits for it is not overwritten', (t) =>
  upToThreeTimes(t, async () => {
    const { tenantId, ids } = await tenantOf(3);
    const [changed = ''] = ids;
    const sweep = await beginSweep(core, tenantId, { patient: true });
    const read = await sweep.read();
    const client = await core.pool.connect();
    try {
      await client.query('begin');
      await core.vault.put({
        target: 'secrets',
        tenantId,
        id: changed,
        value: Buffer.from('newer'),
        client,
      });
      const writing = sweep.write(read);
      assert.ok(await waits(), 'the sweep never waited for the writer');
      await client.query('commit');
      assert.equal(await writing, 2);
      assert.equal(await get(tenantId, changed), 'newer');
    } finally {
      client.release();
    }
  }));

async function waits(): Promise<boolean> {
  const deadline = performance.now() + 45; // the sweep's patience is 50 ms
  while (performance.now() < deadline) {
    const { rowCount } = await core.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rowCount !== 0) return true;
  }
  return false;
}

test('the sweep gives way to a locked record within 50 ms, writing nothing; without it, it writes the rest', async (t) => {
  const { tenantId, ids } = await tenantOf(5);
  const [, locked = ''] = ids;
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  const writer = await core.pool.connect();
  try {
    await writer.query('begin');
    await writer.query('select from secrets where id = $1 for update', [locked]);
    // Below deadlock_timeout.
    await takesUnder(t, 900, () => assert.rejects(sweep.write(read), { code: 'LOCKED' }));
    const still = await core.pool.query('select distinct key_number from secrets where tenant_id = $1', [
      tenantId,
    ]);
    assert.deepEqual(still.rows, [{ key_number: sweep.newKeyNumber - 1 }]);
    assert.equal(await sweep.write(read, 'skip'), 4);
  } finally {
    await writer.query('rollback');
    writer.release();
  }
  const left = await core.pool.query('select id from secrets where tenant_id = $1 and key_number <> $2', [
    tenantId,
    sweep.newKeyNumber,
  ]);
  assert.deepEqual(left.rows, [{ id: locked }]);
  // The proof sees it, and is not given while it stands there.
  assert.deepEqual(await proveRange(sweep.env.sweepStore, sweep.target, sweep.lease), {
    kind: 'left',
    items: 1,
  });
});

test('a record that was deleted after it was read is left alone', async () => {
  const { tenantId, ids } = await tenantOf(3);
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  await core.pool.query('delete from secrets where id = $1', [ids[0]]);
  assert.equal(await sweep.write(read), 2);
  assert.equal(await core.vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' }), null);
});

test('re-encryption changes the ciphertext and its key number and nothing else', async () => {
  const { tenantId, ids } = await tenantOf(3);
  const others = `select to_jsonb(s) - 'ciphertext' - 'key_number' as kept from secrets s where tenant_id = $1 order by id`;
  const before = await core.pool.query(others, [tenantId]);
  const rotationId = await core.start(tenantId);
  assert.equal(await rotate(core.environment(), rotationId, new AbortController().signal), 'done');
  assert.deepEqual((await core.pool.query(others, [tenantId])).rows, before.rows);
  for (const id of ids) assert.equal(await get(tenantId, id), firstValue(id).toString());
  assert.equal(total((await core.view(rotationId)).itemsRotated), 3);
});

test('a record damaged after it was read is not overwritten, and set aside in the next pass', async () => {
  const { tenantId, ids } = await tenantOf(3);
  const [bad = ''] = ids;
  const sweep = await beginSweep(core, tenantId);
  const read = await sweep.read();
  const damaged = await damage(core.pool, 'secrets', bad, (bytes) => {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(9) ^ 1, 9);
    return flipped;
  });
  assert.equal(await sweep.write(read), 2);
  await releaseLease(sweep.env.store, sweep.lease);
  assert.equal(await rotate(sweep.env, sweep.rotationId, new AbortController().signal), 'done');
  assert.ok((await bytesOf(core.pool, 'secrets', bad)).equals(damaged));
  const view = await core.view(sweep.rotationId);
  assert.deepEqual([view.status, view.itemsFailed.secrets], ['completed_with_failures', 1]);
});
