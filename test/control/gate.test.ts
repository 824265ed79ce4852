import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { switchDek } from '@rekey/control';
import { openStore, StoreError, workerSession } from '@rekey/db';
import { openLink } from '../chaos/proxy/link.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, vault, database } = core;

test('a writer that knows nothing of us waits while the gate is closed', async (t) => {
  const tenantId = await core.createTenant();
  const { begin, waitsForLock } = sessionsOn(database, t);
  const [closer, writer] = [await begin(), await begin()];
  await closer.query('select rekey.close_gate($1)', [tenantId]);
  const writing = insertSecret(writer, tenantId, 1);
  await waitsForLock(writer);
  await closer.query('commit');
  await writing;
});

test('the gate of one tenant holds up no other', async (t) => {
  const [one, other] = [await core.createTenant(), await core.createTenant()];
  const closer = await sessionsOn(database, t).begin();
  await closer.query('select rekey.close_gate($1)', [one]);
  const writer = await sessionsOn(database, t).begin();
  await writer.query(`set local lock_timeout = '1s'`);
  await insertSecret(writer, other, 1);
});

test('the switch comes through in between writers that never stop overlapping, and none of them loses', async (t) => {
  const tenantId = await core.createTenant();
  const pool = database.pool({ max: 16 });
  const acknowledged = new Map<string, string>();
  let writing = true;
  let switched = false;
  let writtenAfter = 0;
  const writer = async (): Promise<void> => {
    const id = randomUUID();
    const client = await pool.connect();
    try {
      for (let n = 0; writing; n += 1) {
        const value = `${id} ${n}`;
        await client.query('begin');
        await vault.put({
          target: 'secrets',
          tenantId,
          id,
          value: Buffer.from(value),
          columns: { name: 'n' },
          client,
        });
        await client.query('select pg_sleep(0.02)');
        await client.query('commit');
        acknowledged.set(id, value);
        if (switched) writtenAfter += 1;
      }
    } finally {
      client.release(true);
    }
  };
  const switching = async (): Promise<number> => {
    const order = await readyToSwitch(core, tenantId);
    await until(() => acknowledged.size === 16, { what: 'every writer has written' });
    const before = performance.now();
    assert.equal(await switchDek(store, order), true);
    const tookMs = performance.now() - before;
    switched = true;
    await until(() => writtenAfter >= 32, { what: 'writes after the switch' });
    return tookMs;
  };
  const stop = (): void => {
    writing = false;
  };
  const [tookMs] = await Promise.all([switching().finally(stop), ...Array.from({ length: 16 }, writer)]);

  t.diagnostic(`the switch took ${Math.round(tookMs)} ms against 16 writers with 20 ms transactions`);
  assert.ok(tookMs < 2_000, `the switch took ${tookMs} ms`);
  assert.equal(acknowledged.size, 16);
  for (const [id, value] of acknowledged) {
    assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), value);
  }
  const { rows } = await store.query('select distinct key_number from secrets where tenant_id = $1', [
    tenantId,
  ]);
  assert.deepEqual(rows, [{ key_number: 2 }]);
});

test('a switch without patience gives up at once when a writer is under way, with nothing changed', async (t) => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const writer = await sessionsOn(database, t).begin();
  await insertSecret(writer, tenantId, 1);
  await assert.rejects(
    switchDek(store, { ...order, patienceMs: 50 }),
    (error) => error instanceof StoreError && error.code === 'LOCKED',
  );
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
  await writer.query('commit');
  assert.equal(await switchDek(store, order), true);
});

test('a worker that stands still with several switches of one rotation under way closes the gate once, not once for each', async (t) => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const link = await openLink('a worker', database.url, 'postgres');
  const frozen = openStore({
    url: link.url,
    session: workerSession,
    applicationName: 'frozen-worker',
    onError: () => {},
  });
  t.after(async () => {
    link.cut();
    await frozen.end();
    await link.close();
  });
  const writer = await sessionsOn(database, t).begin();
  await insertSecret(writer, tenantId, 1);
  const switching = Promise.allSettled(Array.from({ length: 5 }, () => switchDek(frozen, order)));
  await until(
    async () => {
      const { rowCount } = await store.query(
        `select from pg_stat_activity where application_name = 'frozen-worker' and wait_event_type = 'Lock'`,
      );
      return rowCount === 5;
    },
    { what: 'five switches wait', timeoutMs: 1_500 },
  );
  link.set('stall');
  await writer.query('commit');
  const began = performance.now();
  await vault.put({
    target: 'secrets',
    tenantId,
    id: randomUUID(),
    value: Buffer.from('x'),
    columns: { name: 'n' },
  });
  const tookMs = performance.now() - began;
  // One session's idle_in_transaction_session_timeout is 0.8 s; five in a row would be four seconds.
  assert.ok(tookMs < 1_800, `a write waited for ${tookMs} ms`);
  t.diagnostic(`a write waited for ${Math.round(tookMs)} ms`);
  link.cut();
  await switching;
});

for (const isolation of ['repeatable read', 'serializable'] as const) {
  test(`a ${isolation} writer whose snapshot is older than the switch gets 40001, whatever key it names`, async (t) => {
    const tenantId = await core.createTenant();
    const { begin } = sessionsOn(database, t);
    for (const keyNumber of [1, 2]) {
      const order = keyNumber === 1 ? await readyToSwitch(core, tenantId) : null;
      const writer = await begin(isolation);
      await writer.query('select count(*) from secrets'); // the snapshot is taken here
      if (order === null) await core.startAndRotate(tenantId);
      else await switchDek(store, order);
      if (order !== null) await core.finish(order.rotationId);
      assert.equal(await sqlState(insertSecret(writer, tenantId, keyNumber === 1 ? 1 : 3)), '40001');
      await writer.query('rollback');
    }
    const { rowCount } = await store.query('select from secrets where tenant_id = $1', [tenantId]);
    assert.equal(rowCount, 0);
  });
}
