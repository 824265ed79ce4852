import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelRotation, completeOnce } from '@rekey/control';
import { loadTargets } from '@rekey/data';
import {
  createSmallRanges,
  createSteps,
  measuredBatchSize,
  type RotationEnvironment,
  rotate,
} from '@rekey/rotation';
import type { Sweep } from '../../packages/rotation/src/sweep.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, type SeededTenant, seedTenant } from '../harness/seed.ts';
import { sweepFacts } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const never = new AbortController().signal;

/** As a worker process has it, with the texts of its statements. */
function worker(batchSize = core.environment().batchSize): {
  readonly env: RotationEnvironment;
  readonly sent: string[];
} {
  const own = { ...core.environment(), batchSize };
  const sent: string[] = [];
  for (const store of [own.store, own.sweepStore]) {
    const query = store.query.bind(store) as (...sent: unknown[]) => unknown;
    Object.assign(store, {
      query(statement: string | { readonly text: string }, ...others: unknown[]) {
        sent.push(typeof statement === 'string' ? statement : statement.text);
        return query(statement, ...others);
      },
    });
  }
  const env = { ...own, steps: createSteps(own) };
  return { env: { ...env, smallRanges: createSmallRanges(env) }, sent };
}

interface Started {
  readonly tenant: SeededTenant;
  readonly rotationId: string;
}

async function start(tenants: number, records = 34): Promise<Started[]> {
  const started: Started[] = [];
  for (let n = 0; n < tenants; n += 1) {
    const tenant = await seedTenant(core.vault, records);
    started.push({ tenant, rotationId: await core.start(tenant.tenantId) });
  }
  return started;
}

async function isWhole({ tenant, rotationId }: Started, records = 34): Promise<void> {
  assert.equal((await core.view(rotationId)).status, 'completed');
  assert.deepEqual(await sweepFacts(core.pool, rotationId), {
    sealed: records,
    rotated: records,
    passes: 1,
    unproved: 0,
  });
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(core, tenant.tenantId), values), []);
}

test('rotations of small tenants at once take far fewer statements than each by itself, and do all of it', async () => {
  const { env, sent } = worker();
  const [first] = await start(1);
  assert.equal(await rotate(env, first?.rotationId ?? '', never), 'done');
  const alone = sent.length;
  sent.length = 0;
  const all = await start(12);
  const outcomes = await Promise.all(all.map(({ rotationId }) => rotate(env, rotationId, never)));
  assert.deepEqual(new Set(outcomes), new Set(['done']));
  for (const one of all) await isWhole(one);
  assert.ok(sent.length < (all.length * alone * 2) / 3, `${sent.length} statements, and ${alone} alone`);
});

test('a worker with nothing but small tenants does not go on in the batches of one that knows nothing yet', async () => {
  const { env, sent } = worker(measuredBatchSize());
  const before = env.batchSize.items;
  // One that met a busy machine says little; more than a first batch in each table.
  for (let tries = 0; tries < 8 && env.batchSize.items < 2 * before; tries += 1) {
    const [one] = await start(1, 6 * before);
    assert.ok(one);
    sent.length = 0;
    assert.equal(await rotate(env, one.rotationId, never), 'done');
    await isWhole(one, 6 * before);
  }
  assert.ok(env.batchSize.items >= 2 * before, `${env.batchSize.items} records`);
  const [last] = await start(1, 6 * before);
  assert.ok(last);
  sent.length = 0;
  assert.equal(await rotate(env, last.rotationId, never), 'done');
  const batches = sent.filter((text) => text.includes('rekey.note_batch')).length;
  assert.ok(batches <= 2 * (await loadTargets(core.pool)).length, `${batches} batches`);
});

test('a record that somebody holds keeps its own rotation, and none that went along', async () => {
  const { env } = worker();
  const all = await start(5);
  const [held, ...others] = all;
  assert.ok(held);
  const holder = await core.pool.connect();
  await holder.query('begin');
  const { id } = held.tenant.records.at(-1) ?? {};
  await holder.query('select from secrets where id = $1 for update', [id]);
  const rotating = all.map(({ rotationId }) => rotate(env, rotationId, never));
  try {
    await Promise.all(rotating.slice(1));
    for (const one of others) await isWhole(one);
    assert.equal((await core.view(held.rotationId)).status, 'in_progress');
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  assert.equal(await rotating[0], 'done');
  assert.equal((await core.view(held.rotationId)).status, 'completed');
});

test('a rotation whose row is locked is waited for by itself', async () => {
  const { env } = worker();
  const all = await start(4);
  const [held, ...others] = all;
  assert.ok(held);
  const holder = await core.pool.connect();
  await holder.query('begin');
  await holder.query('select from rekey.rotations where id = $1 for update', [held.rotationId]);
  const rotating = all.map(({ rotationId }) => rotate(env, rotationId, never));
  try {
    await Promise.all(rotating.slice(1));
    for (const one of others) await isWhole(one);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  assert.equal(await rotating[0], 'done');
  await isWhole(held);
});

test('a record that does not open is set aside, and one that was written meanwhile stays as it is', async () => {
  const { env } = worker();
  const all = await start(4);
  const [damaged, written] = all;
  assert.ok(damaged && written);
  const broken = damaged.tenant.records.at(-1);
  await core.pool.query(
    `update secrets set ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1) where id = $1`,
    [broken?.id],
  );
  const rotating = Promise.all(all.map(({ rotationId }) => rotate(env, rotationId, never)));
  const late = written.tenant.records.at(-1);
  assert.ok(late);
  const value = Buffer.from('written while it was rotated');
  const { tenantId } = written.tenant;
  await core.vault.put({ ...late, tenantId, value, columns: { name: 'late' } });
  assert.deepEqual(new Set(await rotating), new Set(['done']));
  for (const one of all.slice(2)) await isWhole(one);
  const view = await core.view(damaged.rotationId);
  assert.deepEqual([view.status, view.itemsFailed.secrets], ['completed_with_failures', 1]);
  assert.equal((await core.vault.get({ ...late, tenantId }))?.toString(), value.toString());
  assert.equal((await core.view(written.rotationId)).status, 'completed');
});

test('one that is cancelled among others writes nothing more, and the others end', async () => {
  const { env } = worker();
  const all = await start(6);
  const [cancelled, ...others] = all;
  assert.ok(cancelled);
  const rotating = all.map(({ rotationId }) => rotate(env, rotationId, never));
  await until(async () => (await core.view(cancelled.rotationId)).phase !== 'queued', { what: 'it begins' });
  const { kind } = await cancelRotation(core.store, cancelled.rotationId);
  // Its new DEK may be gone before it was read back.
  const [, ...outcomes] = await Promise.allSettled(rotating);
  for (const outcome of outcomes) assert.equal(outcome.status, 'fulfilled');
  if (kind === 'changed') assert.equal((await core.view(cancelled.rotationId)).status, 'cancelled');
  for (const one of others) await isWhole(one);
});

test('where the guarantee is in doubt none of them is switched, and each says why', async () => {
  const { env } = worker();
  const all = await start(3);
  await core.pool.query('alter table rekey.deks disable trigger guard_dek');
  try {
    const outcomes = await Promise.allSettled(all.map(({ rotationId }) => rotate(env, rotationId, never)));
    for (const outcome of outcomes)
      assert.match(outcome.status === 'rejected' ? `${outcome.reason.name}` : 'done', /IntegrityTrouble/);
    for (const { rotationId } of all) assert.equal((await core.view(rotationId)).switchedAt, null);
  } finally {
    await core.pool.query('alter table rekey.deks enable trigger guard_dek');
  }
  for (const { rotationId } of all) assert.equal(await rotate(env, rotationId, never), 'done');
  for (const one of all) await isWhole(one);
});

test('whatever the ids are, and where one table is two targets, each takes its own', async () => {
  const { env } = worker();
  await core.pool.query(`
    create table parcels (
      id bigint primary key, tenant_id uuid not null, key_a int, sealed_a bytea, key_b int, sealed_b bytea);
    create index on parcels (tenant_id, id);
    create table labels (id text primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on labels (tenant_id, id);
    select rekey.register_target('parcels_a', 'apiKeys', 'parcels', 'id', 'tenant_id', 'key_a', 'sealed_a');
    select rekey.register_target('parcels_b', 'secrets', 'parcels', 'id', 'tenant_id', 'key_b', 'sealed_b');
    select rekey.register_target('labels', 'credentials', 'labels')`);
  const all: Array<{ tenantId: string; rotationId: string; records: Array<{ target: string; id: string }> }> =
    [];
  for (let n = 0; n < 6; n += 1) {
    const tenantId = await core.createTenant();
    const ids = Array.from({ length: 8 }, (_, i) => `${i - 4 + 100 * n}`);
    const records = ['parcels_a', 'parcels_b', 'labels'].flatMap((target) =>
      ids.map((id) => ({ target, id })),
    );
    for (const { target, id } of records)
      await core.vault.put({ target, tenantId, id, value: Buffer.from(`${target} ${id}`) });
    all.push({ tenantId, rotationId: await core.start(tenantId), records });
  }
  const outcomes = await Promise.all(all.map(({ rotationId }) => rotate(env, rotationId, never)));
  assert.deepEqual(new Set(outcomes), new Set(['done']));
  for (const { tenantId, rotationId, records } of all) {
    const { status, itemsRotated } = await core.view(rotationId);
    assert.deepEqual([status, itemsRotated], ['completed', { credentials: 8, apiKeys: 8, secrets: 8 }]);
    for (const { target, id } of records)
      assert.equal((await core.vault.get({ target, tenantId, id }))?.toString(), `${target} ${id}`);
  }
});

test('two targets of one table are not read by the statement of one of them', async () => {
  const { env } = worker();
  const tenantId = await core.createTenant();
  for (const target of ['parcels_a', 'parcels_b'])
    await core.vault.put({ target, tenantId, id: '4711', value: Buffer.from(target) });
  const opened = Promise.withResolvers<void>();
  const run = <Result>(work: () => Promise<Result>): Promise<Result> => opened.promise.then(work);
  const ranges = createSmallRanges({ ...env, statementLimiter: { places: 1, run, took: () => {} } });
  const targets = (await loadTargets(core.store)).filter(({ table }) => table.includes('parcels'));
  const rotation = { tenantId, newKeyNumber: 2 };
  const reading = targets.map((target) =>
    ranges.read({ target, rotation, lease: { planned: 1 }, signal: never } as unknown as Sweep),
  );
  opened.resolve();
  const windows = await Promise.all(reading);
  const { rows } = await core.pool.query('select sealed_a, sealed_b from parcels where id = 4711');
  assert.deepEqual(
    windows.map((window) => window?.records.at(0).ciphertext),
    [rows[0].sealed_a, rows[0].sealed_b],
  );
});

test('an end that two jobs come to together is told once', async () => {
  const { env } = worker();
  const all = await start(2);
  const { steps } = env;
  assert.ok(steps);
  const complete = (): Promise<never> => Promise.reject(new Error('not yet'));
  for (const { rotationId } of all)
    await assert.rejects(rotate({ ...env, steps: { ...steps, complete } }, rotationId, never), /not yet/);
  const [first = '', second = ''] = all.map(({ rotationId }) => rotationId);
  const ends = await completeOnce(core.store, [first, second, first]);
  assert.deepEqual(
    ends.map((end) => end?.kind),
    ['completed', 'completed', undefined],
  );
  for (const one of all) await isWhole(one);
});
