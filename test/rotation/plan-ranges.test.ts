import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRanges, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { seedTenant } from '../harness/seed.ts';
import { beginSweep } from '../harness/sweep-step.ts';

const core = await rotationCore();
const never = new AbortController().signal;

test('ranges lie edge to edge from minus to plus infinity, whoever plans, and a rotation with one missing never completes', async () => {
  const { tenantId } = await seedTenant(core.vault, 170);
  const env = core.environment();
  const sweep = await beginSweep(core, tenantId);
  await core.pool.query('delete from rekey.rotation_ranges where rotation_id = $1', [sweep.rotationId]);
  const plan = { rotationId: sweep.rotationId, tenantId, newKeyNumber: sweep.newKeyNumber };
  await Promise.all([planRanges(env, plan, 7), planRanges(env, plan, 11), planRanges(env, plan, 13)]);
  const { rows } = await core.pool.query<{ target: string; lower_id: string; upper_id: string }>(
    'select target, lower_id, upper_id from rekey.rotation_ranges where rotation_id = $1 order by target, ordinal',
    [sweep.rotationId],
  );
  for (const target of ['api_keys', 'credentials', 'secrets']) {
    const edges = rows.filter((range) => range.target === target);
    assert.equal(edges[0]?.lower_id, null);
    assert.equal(edges.at(-1)?.upper_id, null);
    for (const [i, { lower_id }] of edges.entries())
      if (i > 0) assert.equal(lower_id, edges[i - 1]?.upper_id);
  }
  const [gap] = (
    await core.pool.query(
      `delete from rekey.rotation_ranges where rotation_id = $1 and target = 'secrets' and ordinal = 2 returning *`,
      [sweep.rotationId],
    )
  ).rows;
  assert.ok(gap);
  assert.equal(await rotate(env, sweep.rotationId, never), 'left');
  assert.equal((await core.view(sweep.rotationId)).status, 'in_progress');
});

test('a planner that is to stop does so between two slices, and the next one goes on from there', async () => {
  const { tenantId } = await seedTenant(core.vault, 60);
  const env = core.environment();
  const sweep = await beginSweep(core, tenantId);
  await core.pool.query('delete from rekey.rotation_ranges where rotation_id = $1', [sweep.rotationId]);
  const plan = { rotationId: sweep.rotationId, tenantId, newKeyNumber: sweep.newKeyNumber };
  const stored = async (): Promise<number> =>
    (await core.pool.query('select from rekey.rotation_ranges where rotation_id = $1', [sweep.rotationId]))
      .rows.length;

  const stop = new AbortController();
  const stopping = planRanges(env, { ...plan, signal: stop.signal }, 3, async () => stop.abort());
  await assert.rejects(stopping, { name: 'AbortError' });
  const first = await stored();
  assert.equal(first, 3, 'one slice of each target');

  assert.ok((await planRanges(env, plan, 3)).ranges.length > first);
  await rotate(env, sweep.rotationId, never);
  assert.equal((await core.view(sweep.rotationId)).status, 'completed');
});
