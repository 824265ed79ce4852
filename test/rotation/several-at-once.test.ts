import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beat, cancelRotation, completeRotation } from '@rekey/control';
import { claimRange } from '@rekey/data';
import { StoreError } from '@rekey/db';
import { asKeks } from '@rekey/kms';
import { diagnose, fixedBatchSize, prepareSweep, rotate, sweepHere } from '@rekey/rotation';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { sweepFacts, total } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const never = new AbortController().signal;

test('four workers at the same rotation: one DEK, one switch, every record re-encrypted once, counts exact', async () => {
  const environments = Array.from({ length: 4 }, () => core.environment({ batchSize: fixedBatchSize(20) }));
  for (let round = 0; round < 15; round += 1) {
    const tenant = await seedTenant(core.vault, 300);
    const rotationId = await core.start(tenant.tenantId);
    const outcomes = await Promise.allSettled(environments.map((env) => rotate(env, rotationId, never)));
    // What one of them may meet its job comes back for, as where a busy machine keeps a row locked; never a permanent cause.
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        assert.equal(diagnose(outcome.reason).kind, 'transient', String(outcome.reason));
    const [first] = environments;
    if (first === undefined) throw new Error('no environment');
    await until(async () => (await rotate(first, rotationId, never)) === 'lost', { what: 'it has ended' });

    const view = await core.view(rotationId);
    assert.equal(view.status, 'completed');
    assert.equal(total(view.itemsRotated), 300);
    assert.equal(total(view.itemsSuperseded), 0);
    const facts = await sweepFacts(core.pool, rotationId);
    assert.deepEqual(facts, { sealed: 300, rotated: 300, passes: 1, unproved: 0 });
    const deks = await core.pool.query(
      `select d.key_number, d.state, m.wrap_version from rekey.deks d left join rekey.dek_material m on m.dek_id = d.id
       where tenant_id = $1 order by key_number`,
      [tenant.tenantId],
    );
    assert.deepEqual(deks.rows, [
      { key_number: 1, state: 'deactivated', wrap_version: 1 },
      { key_number: 2, state: 'active', wrap_version: 1 },
    ]);
    const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
    assert.deepEqual(wrong(await openAll(core, tenant.tenantId), values), []);
  }
});

for (const [what, outcome, meanwhile] of [
  ['was switched', 'done', (rotationId: string) => prepareSweep(core.environment(), rotationId, never)],
  ['was cancelled', 'lost', (rotationId: string) => cancelRotation(core.store, rotationId)],
] as const)
  test(`a worker that is still at the KMS while the rotation ${what} steps back without trouble`, async () => {
    const { tenantId } = await seedTenant(core.vault, 17);
    const rotationId = await core.start(tenantId);
    const slowKek = {
      ...core.kek,
      async wrap(dek: Buffer, aad: Buffer) {
        await meanwhile(rotationId);
        return core.kek.wrap(dek, aad);
      },
    };
    const late = core.environment({ keks: asKeks(slowKek) });
    assert.equal(await rotate(late, rotationId, never), outcome);
    const { status } = await core.view(rotationId);
    assert.ok(status === 'completed' || status === 'cancelled', status);
    await core.vault.put({
      target: 'secrets',
      tenantId,
      id: crypto.randomUUID(),
      value: Buffer.from('x'),
      columns: { name: 'x' },
    });
  });

test('a rotation given up anywhere is taken on by the next worker', async () => {
  const tenant = await seedTenant(core.vault, 2_000);
  const rotationId = await core.start(tenant.tenantId);
  const env = core.environment({ batchSize: fixedBatchSize(100) });
  for (let attempt = 1; ; attempt += 1) {
    // Each worker is stopped after one more batch than the one before it.
    const stop = new AbortController();
    let batches = 0;
    const counting = new Proxy(env.sweepStore, {
      get(pool, name) {
        if (name === 'query') {
          batches += 1;
          if (batches >= attempt) stop.abort();
        }
        const value = Reflect.get(pool, name);
        return typeof value === 'function' ? value.bind(pool) : value;
      },
    });
    const outcome = await rotate({ ...env, sweepStore: counting }, rotationId, stop.signal).catch(
      () => 'stopped',
    );
    if (outcome === 'done') break;
    assert.ok(attempt < 40, 'it never ends');
  }
  const view = await core.view(rotationId);
  assert.equal(view.status, 'completed');
  assert.equal(total(view.itemsRotated), 2_000);
  const facts = await sweepFacts(core.pool, rotationId);
  assert.deepEqual([facts.sealed, facts.rotated], [2_000, 2_000]);
});

test('a tenant without records, and one without a DEK, complete with zeros', async () => {
  const { tenantId } = await seedTenant(core.vault, 0);
  const bare = crypto.randomUUID();
  await core.pool.query('insert into rekey.tenants (id, name) values ($1, $2)', [bare, 'bare']);
  for (const id of [tenantId, bare]) {
    const rotationId = await core.start(id);
    assert.equal(await rotate(core.environment(), rotationId, never), 'done');
    const view = await core.view(rotationId);
    assert.equal(view.status, 'completed');
    assert.equal(view.percentComplete, 100);
    assert.equal(total(view.itemsRotated) + total(view.itemsToRotate), 0);
  }
  // And from then on it has one.
  await core.vault.put({
    target: 'secrets',
    tenantId: bare,
    id: crypto.randomUUID(),
    value: Buffer.from('x'),
    columns: { name: 'x' },
  });
});

test('what the application writes between the call and the switch is swept too', async () => {
  const tenant = await seedTenant(core.vault, 20);
  const rotationId = await core.start(tenant.tenantId);
  const id = crypto.randomUUID();
  const late = { target: 'secrets', tenantId: tenant.tenantId, id };
  await core.vault.put({ ...late, value: Buffer.from('late'), columns: { name: 'late' } });
  const env = core.environment();
  const sweep = await prepareSweep(env, rotationId, never);
  assert.ok(sweep);
  assert.equal(await sweepHere(env, sweep, never), 'done');
  assert.equal(await rotate(env, rotationId, never), 'done');
  const { keyNumber } = await core.activeKey(tenant.tenantId);
  const { rows } = await core.pool.query('select key_number from secrets where id = $1', [id]);
  assert.deepEqual(rows, [{ key_number: keyNumber }]);
  assert.equal((await core.vault.get(late))?.toString(), 'late');
});

test('ranges that were claimed with the plan are given back when the sweep does not come to them', async () => {
  const { tenantId } = await seedTenant(core.vault, 34);
  const rotationId = await core.start(tenantId);
  const env = core.environment();
  const sweep = await prepareSweep(env, rotationId, never, { claimItemsMax: 34 });
  assert.deepEqual(
    sweep?.ranges.map(({ lease }) => lease?.planned),
    [4, 10, 20],
  );
  assert.ok(sweep);
  for (const range of sweep.ranges)
    assert.equal(await claimRange(env.store, range, crypto.randomUUID()), null);
  const newDek = Promise.reject(new StoreError('UNAVAILABLE', 'away'));
  await assert.rejects(sweepHere(env, { ...sweep, newDek }, never), { code: 'UNAVAILABLE' });
  assert.equal(await rotate(core.environment(), rotationId, never), 'done');
});

test('a tenant with more than one job sweeps itself has its ranges planned, not claimed', async () => {
  const { tenantId } = await seedTenant(core.vault, 34);
  const rotationId = await core.start(tenantId);
  const sweep = await prepareSweep(core.environment(), rotationId, never, { claimItemsMax: 33 });
  assert.deepEqual(
    sweep?.ranges.map(({ lease }) => lease),
    [null, null, null],
  );
});

test('a completion that meets beats and other completions ends the rotation once, with the last version', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { tenantId } = await seedTenant(core.vault, 17);
    const rotationId = await core.start(tenantId);
    const env = core.environment();
    const sweep = await prepareSweep(env, rotationId, never);
    assert.ok(sweep);
    await sweepHere(env, sweep, never);
    const beats = Array.from({ length: 6 }, () => beat(core.store, rotationId));
    const ends = await Promise.all(Array.from({ length: 4 }, () => completeRotation(core.store, rotationId)));
    const before = await Promise.all(beats);
    const [end, ...more] = ends.flatMap((each) => (each.kind === 'completed' ? [each.snapshot] : []));
    assert.ok(end);
    assert.deepEqual(more, []);
    for (const snapshot of before) if (snapshot !== null) assert.ok(snapshot.version < end.version);
    assert.deepEqual(await core.view(rotationId), end.view);
  }
});

test('a worker that runs while a column is added to the tables it works with goes on', async () => {
  const { tenantId } = await seedTenant(core.vault, 17);
  const env = core.environment();
  assert.equal(await rotate(env, await core.start(tenantId), never), 'done');
  for (const table of ['targets', 'rotations', 'rotation_ranges', 'deks', 'dek_material']) {
    await core.pool.query(`alter table rekey.${table} add column another integer`);
  }
  assert.equal(await rotate(env, await core.start(tenantId), never), 'done');
});
