import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { switchDek } from '@rekey/control';
import { claimRange, loadTargets, openRanges, planRanges, proveRange } from '@rekey/data';
import { openSweepStore } from '@rekey/db';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store } = core;

test('the proof of a range reads that range, whatever other index on the tenant the table has', async (t) => {
  await store.query('create index secrets_by_tenant_alone on secrets (tenant_id)');
  t.after(() => store.query('drop index secrets_by_tenant_alone'));
  const tenantId = await core.createTenant();
  await core.vault.putMany({
    target: 'secrets',
    tenantId,
    records: Array.from({ length: 2_000 }, () => ({
      id: randomUUID(),
      value: Buffer.of(1),
      columns: { name: 'n' },
    })),
  });
  await store.query('analyze secrets');
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await planRanges(core.env, { ...order, newKeyNumber: 2 }, 100);
  const target = (await loadTargets(store)).find(({ name }) => name === 'secrets');
  const range = (await openRanges(store, order.rotationId)).find((open) => open.target === 'secrets');
  if (target === undefined || range === undefined) throw new Error('not planned');
  const lease = await claimRange(store, range, randomUUID());
  if (lease === null) throw new Error('not claimed');

  const plans: string[] = [];
  const sweepStore = openSweepStore({ url: core.database.url, max: 1, onError: () => {} });
  t.after(() => sweepStore.end());
  const explaining = new Proxy(sweepStore, {
    get(pool, name) {
      if (name !== 'query') return Reflect.get(pool, name);
      return async (given: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
        const statement = typeof given === 'string' ? { text: given, values } : given;
        const { rows } = await pool.query(`explain ${statement.text}`, statement.values);
        plans.push(rows.map((line) => line['QUERY PLAN']).join('\n'));
        return pool.query(statement.text, statement.values);
      };
    },
  });
  assert.deepEqual(await proveRange(explaining, target, lease, { tenantId, newKeyNumber: 2 }), {
    kind: 'left',
    items: 100,
  });
  assert.match(plans[0] ?? '', /Index Scan using secrets_by_tenant on secrets/);
  assert.doesNotMatch(plans.join('\n'), /secrets_by_tenant_alone/);
});
