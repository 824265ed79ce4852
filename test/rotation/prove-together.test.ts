import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RotationEnvironment, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store } = core;
const never = new AbortController().signal;
const targets = ['api_keys', 'credentials', 'secrets'];

/** Whose proof each statement asks for; `instead` may take the place of one that is about to be sent. */
function watched(instead: (asked: readonly string[]) => string | null = () => null): {
  readonly env: RotationEnvironment;
  readonly proofs: string[][];
} {
  const env = core.environment();
  const proofs: string[][] = [];
  const query = env.sweepStore.query.bind(env.sweepStore) as (...sent: unknown[]) => unknown;
  Object.assign(env.sweepStore, {
    query(sent: string | { readonly text: string }, ...others: unknown[]) {
      const text = typeof sent === 'string' ? sent : sent.text;
      const asked = [...text.matchAll(/rekey\."prove_(\w+)"/g)].map(([, name = '']) => name);
      if (asked.length === 0) return query(sent, ...others);
      proofs.push(asked);
      const other = instead(asked);
      return other === null ? query(sent, ...others) : query(other);
    },
  });
  return { env, proofs };
}

async function provedTargets(rotationId: string): Promise<string[]> {
  const { rows } = await store.query<{ target: string }>(
    'select target from rekey.rotation_ranges where rotation_id = $1 and proved_at is not null order by target',
    [rotationId],
  );
  return rows.map(({ target }) => target);
}

test('the ranges of a small tenant are proved by one statement', async () => {
  const { tenantId } = await core.tenantWith(20);
  const { env, proofs } = watched();
  const rotationId = await core.start(tenantId);
  assert.equal(await rotate(env, rotationId, never), 'done');
  assert.deepEqual(proofs, [targets]);
  const view = await core.view(rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 20]);
});

test('a record that somebody holds keeps its own range from being proved, and no other', async () => {
  const { tenantId, ids } = await core.tenantWith(5);
  const { env, proofs } = watched();
  const rotationId = await core.start(tenantId);
  const holder = await core.pool.connect();
  await holder.query('begin');
  await holder.query('select from secrets where id = $1 for update', [ids[0]]);
  const rotating = rotate(env, rotationId, never);
  try {
    await until(async () => (await provedTargets(rotationId)).length === 2, { what: 'two proofs' });
    assert.deepEqual(await provedTargets(rotationId), ['api_keys', 'credentials']);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  assert.equal(await rotating, 'done');
  assert.equal((await core.view(rotationId)).status, 'completed');
  for (const name of ['api_keys', 'credentials'])
    assert.equal(proofs.filter((asked) => asked.includes(name)).length, 1, name);
});

test('where the statement fails for one table, each range is proved by itself', async () => {
  const { tenantId } = await core.tenantWith(5);
  const { env, proofs } = watched((asked) => (asked.length > 1 ? 'select from no_such_table' : null));
  const rotationId = await core.start(tenantId);
  assert.equal(await rotate(env, rotationId, never), 'done');
  assert.deepEqual(proofs[0], targets);
  assert.deepEqual(proofs.slice(1).flat().sort(), targets);
  assert.equal((await core.view(rotationId)).status, 'completed');
});
