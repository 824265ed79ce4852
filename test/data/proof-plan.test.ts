import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { switchDek } from '@rekey/control';
import { claimRange, loadTargets, openRanges, proveRange } from '@rekey/data';
import { inTransaction, openSweepStore, row } from '@rekey/db';
import { planRanges } from '@rekey/rotation';
import { patient } from '../harness/patient.ts';
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

  const sweepStore = openSweepStore({ ...patient, url: core.database.url, max: 1, onError: () => {} });
  t.after(() => sweepStore.end());
  // Counted by Postgres itself within a transaction: plans of statements in functions are not to be asked for.
  const scans = await inTransaction(sweepStore, async (tx) => {
    const proof = await proveRange(tx, target, lease);
    assert.deepEqual(proof, { kind: 'left', items: 100 });
    return row<{ both: number; alone: number; table: number; read: number }>(
      tx,
      `select pg_stat_get_xact_numscans('secrets_by_tenant'::regclass)::int as both,
         pg_stat_get_xact_numscans('secrets_by_tenant_alone'::regclass)::int as alone,
         pg_stat_get_xact_numscans('secrets'::regclass)::int as table,
         pg_stat_get_xact_tuples_returned('secrets_by_tenant'::regclass)::int as read`,
    );
  });
  assert.deepEqual(scans, { both: 1, alone: 0, table: 0, read: 100 });
});
