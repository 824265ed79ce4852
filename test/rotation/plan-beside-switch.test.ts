import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSteps, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const never = new AbortController().signal;

test('a table that is registered between the look at what there is to plan and the switch is swept before the end', async () => {
  const { store, vault } = core;
  await store.query(`create table public.notes (id bigint primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on public.notes (tenant_id, id)`);
  const { tenantId } = await seedTenant(vault, 34);
  const rotationId = await core.start(tenantId);
  const own = core.environment();
  const steps = createSteps(own);
  let hasLooked = false;
  const env = {
    ...own,
    steps: {
      ...steps,
      async planEdges(id: string) {
        const edges = await steps.planEdges(id);
        hasLooked = true;
        return edges;
      },
      async switchDek(order: Parameters<typeof steps.switchDek>[0]) {
        await until(async () => hasLooked, { what: 'it is looked beside the switch' });
        await store.query(`select rekey.register_target('notes', 'credentials', 'public.notes')`);
        await vault.put({ target: 'notes', tenantId, id: '7', value: Buffer.of(7) });
        return steps.switchDek(order);
      },
    },
  };
  // It may find the plan incomplete, and come back as a job does.
  await rotate(env, rotationId, never).catch(() => {});
  const view = await core.finish(rotationId);
  assert.deepEqual(
    [view.status, view.itemsRotated],
    ['completed', { credentials: 11, apiKeys: 4, secrets: 20 }],
  );
  const { keyNumber } = await core.activeKey(tenantId);
  const { rows } = await core.pool.query('select key_number from notes');
  assert.deepEqual(rows, [{ key_number: keyNumber }]);
  assert.deepEqual(await vault.get({ target: 'notes', tenantId, id: '7' }), Buffer.of(7));
});
