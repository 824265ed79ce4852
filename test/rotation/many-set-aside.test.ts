import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { listFailures, switchDek } from '@rekey/control';
import { claimRange, loadTargets, openRanges, proveRange, readWindow } from '@rekey/data';
import { openSweepStore } from '@rekey/db';
import { planRanges } from '@rekey/rotation';
import { pastTheTriggers } from '../harness/damage.ts';
import { patient } from '../harness/patient.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { upToThreeTimes } from '../harness/tries.ts';

const core = await rotationCore();
const { store, vault } = core;

test('the proof of many records that were set aside takes time by their number, in tables never analysed', async (t) => {
  await store.query('alter table secrets set (autovacuum_enabled = off)');
  await store.query('alter table rekey.rotation_failures set (autovacuum_enabled = off)');
  const took = async (records: number): Promise<number> => {
    const tenantId = await core.createTenant();
    await store.query(
      `insert into secrets (id, tenant_id, name, key_number, ciphertext)
       select gen_random_uuid(), $1, 'junk', 1, '\\x0100000001'::bytea || decode(md5(n::text) || md5(n::text), 'hex')
       from generate_series(1, $2::int) n`,
      [tenantId, records],
    );
    const beganMs = performance.now();
    const view = await core.startAndRotate(tenantId);
    const ms = performance.now() - beganMs;
    assert.deepEqual([view.status, view.itemsFailed.secrets], ['completed_with_failures', records]);
    return ms;
  };
  await upToThreeTimes(t, async () => {
    const [few, many] = [await took(1_500), await took(6_000)];
    // A square would make it sixteen.
    assert.ok(many < 9 * few, `${few} and ${many} ms`);
  });
});

test('a range that has grown is read and proved in steps, each from where the last one came to', async () => {
  const { tenantId, ids } = await core.tenantWith(40);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await planRanges(core.env, { ...order, newKeyNumber: 2 });
  await vault.putMany({
    target: 'secrets',
    tenantId,
    records: Array.from({ length: 60 }, () => ({
      id: randomUUID(),
      value: Buffer.of(1),
      columns: { name: 'n' },
    })),
  });
  const target = (await loadTargets(store)).find(({ name }) => name === 'secrets');
  const range = (await openRanges(store, order.rotationId)).find((open) => open.target === 'secrets');
  if (target === undefined || range === undefined) throw new Error('not planned');
  const lease = await claimRange(store, range, randomUUID());
  if (lease === null) throw new Error('not claimed');
  const sweepStore = openSweepStore({ ...patient, url: core.database.url, max: 1, onError: () => {} });
  try {
    const seen: string[] = [];
    let windows = 0;
    for (let after: string | null = null, goesOn = true; goesOn; windows += 1) {
      const bounds = {
        tenantId,
        newKeyNumber: 2,
        after,
        itemsMax: 1_000,
        bytesMax: 1_000_000,
        stepItems: 10,
        identityBytes: 17,
      };
      const window = await readWindow(sweepStore, target, lease, bounds);
      for (const { id } of window.records) seen.push(id.toString('hex'));
      after = window.next;
      goesOn = after !== null;
      window[Symbol.dispose]();
    }
    assert.deepEqual(seen, ids.map((id) => id.replaceAll('-', '')).sort());
    assert.equal(windows, 11);

    const prove = () => proveRange(sweepStore, target, lease, 10);
    const first = await prove();
    // The last one under the older key stands in the way of its own step, not of those before it.
    await store.query(`delete from secrets where tenant_id = $1 and key_number = 1 and id <> $2`, [
      tenantId,
      ids.toSorted().at(-1),
    ]);
    let steps = first.kind === 'further' ? 1 : 0;
    let last = await prove();
    for (; last.kind === 'further'; last = await prove()) steps += 1;
    assert.deepEqual(last, { kind: 'left', items: 1 });
    assert.ok(steps >= 1, `${steps}`);
    const { rows } = await store.query<{ proof_id: string | null }>(
      `select proof_id from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
      [order.rotationId],
    );
    assert.notEqual(rows[0]?.proof_id, null);
    await store.query(`delete from secrets where tenant_id = $1 and key_number = 1`, [tenantId]);
    last = await prove();
    for (; last.kind === 'further'; last = await prove());
    assert.deepEqual(last, { kind: 'proved' });
  } finally {
    await sweepStore.end();
  }
});

test('a step that is not drained proves nothing', async () => {
  const { tenantId } = await core.tenantWith(30);
  const writer = await core.database.pool().connect();
  await writer.query('begin');
  await writer.query('select rekey.hold_dek($1)', [tenantId]);
  try {
    const order = await readyToSwitch(core, tenantId);
    await switchDek(store, order);
    await planRanges(core.env, { ...order, newKeyNumber: 2 });
    await pastTheTriggers(core.database.pool(), (tx) =>
      tx.query(
        `update secrets set key_number = 2, ciphertext = '\\x0100000002'::bytea || substring(ciphertext from 6)
         where tenant_id = $1`,
        [tenantId],
      ),
    );
    const target = (await loadTargets(store)).find(({ name }) => name === 'secrets');
    const range = (await openRanges(store, order.rotationId)).find((open) => open.target === 'secrets');
    const lease = range === undefined ? null : await claimRange(store, range, randomUUID());
    if (target === undefined || lease === null) throw new Error('not claimed');
    assert.deepEqual(await proveRange(store, target, lease, 10), { kind: 'draining' });
    const { rows } = await store.query(
      `select proof_id, proved_at from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets'`,
      [order.rotationId],
    );
    assert.deepEqual(rows, [{ proof_id: null, proved_at: null }]);
  } finally {
    await writer.query('rollback');
    writer.release();
  }
});

test('a text id of any length can be set aside, listed page by page, and stand at the edge of a range', async () => {
  await store.query(`create table public.documents (
      id text primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on public.documents (tenant_id, id);
    select rekey.register_target('documents_of_the_tenants_customers', 'secrets', 'public.documents')`);
  const target = 'documents_of_the_tenants_customers';
  const tenantId = await core.createTenant();
  // The longest that the index of the table takes, and ones that are longer still, which it keeps compressed.
  const random = Array.from({ length: 80 }, () => randomUUID().replaceAll('-', '')).join('');
  const ids = [
    random.slice(0, 2_600),
    `${random.slice(100, 2_660)}`,
    'x'.repeat(50_000),
    'short',
    'é'.repeat(900),
  ];
  await vault.putMany({ target, tenantId, records: ids.map((id) => ({ id, value: Buffer.of(1) })) });
  await pastTheTriggers(core.database.pool(), (tx) =>
    tx.query('update documents set ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1)'),
  );
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await planRanges(core.env, { ...order, newKeyNumber: 2 }, 1);
  const view = await core.finish(order.rotationId);
  assert.deepEqual([view.status, view.itemsFailed.secrets], ['completed_with_failures', 5]);
  const seen: string[] = [];
  for (let after: string | null = null, pages = 0; pages < 6; pages += 1) {
    const page = await listFailures(store, view.id, { after, limit: 2 });
    seen.push(...page.failures.map(({ recordId }) => recordId));
    after = page.next;
    if (after === null) break;
    assert.match(after, /^[A-Za-z0-9_-]{1,1024}$/, 'what the API takes for a cursor');
  }
  assert.deepEqual(seen.sort(), ids.toSorted());
});

test('a record larger than allowed is set aside without being read; what is as large as allowed is rotated', async () => {
  const { tenantId, ids } = await core.tenantWith(3);
  await store.query(`update rekey.settings set value = 3000000 where name = 'value_bytes_max'`);
  const [large = '', just = '', small = ''] = ids;
  await vault.put({ target: 'secrets', tenantId, id: just, value: Buffer.alloc(3_000_000, 7) });
  await vault.put({ target: 'secrets', tenantId, id: large, value: Buffer.alloc(3_000_001, 7) });
  const view = await core.startAndRotate(tenantId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed_with_failures', 2]);
  const { failures } = await listFailures(store, view.id, { after: null, limit: 10 });
  assert.deepEqual(
    failures.map(({ recordId, reason }) => [recordId, reason]),
    [[large, 'TOO_LARGE']],
  );
  for (const [id, bytes] of [
    [large, 3_000_001],
    [just, 3_000_000],
    [small, undefined],
  ] as const) {
    const value = await vault.get({ target: 'secrets', tenantId, id });
    if (bytes !== undefined) assert.equal(value?.length, bytes);
  }
});
