import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { Client, Pool } from 'pg';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

// Since Postgres 17 it can be made small; before, and by default, it holds 8 GB.
test('a full queue of notifications, which a forgotten transaction of anybody fills, holds up no tenant and no rotation', async (t) => {
  const server = await startPostgres({ settings: { max_notify_queue_pages: '64', fsync: 'off' } });
  const url = await createDatabase(server.url, 'full_queue');
  const pools: Pool[] = [];
  const pool = (): Pool => {
    const made = new Pool({ connectionString: url });
    made.on('error', () => {});
    pools.push(made);
    return made;
  };
  const forgotten = new Client({ connectionString: url });
  forgotten.on('error', () => {});
  await migrate(url);
  const core = await rotationCore(t, { url, pool, drop: async () => {} });
  // After what is closed by the core.
  t.after(async () => {
    await Promise.all([forgotten.end(), ...pools.map((made) => made.end())]).catch(() => {});
    await server.stop();
  });
  const { tenantId, ids } = await core.tenantWith(3);

  await forgotten.connect();
  await forgotten.query('listen strangers');
  await forgotten.query('begin');
  await forgotten.query('select 1');
  const stranger = pool();
  const tell = (n: number): Promise<unknown> =>
    stranger.query(`select pg_notify('strangers', $1)`, [String(n % 10).repeat(7_000)]);
  await assert.rejects(
    async () => {
      for (let n = 0; n < 100; n += 1) await tell(n);
    },
    { code: '54000' },
  );

  const ended = await core.startAndRotate(tenantId);
  assert.equal(ended.status, 'completed');
  const other = await core.tenantWith(1);
  assert.equal((await core.vault.getMany({ target: 'secrets', tenantId, ids })).size, 3);

  // And when that transaction has ended, vaults are told of DEKs again.
  await forgotten.query('commit');
  const isEmpty = `select pg_notification_queue_usage() < 0.5 as yes`;
  await until(async () => (await stranger.query(isEmpty)).rows[0].yes, { what: 'the queue is read' });
  const listener = new Client({ connectionString: url });
  const heard: Array<string | undefined> = [];
  listener.on('notification', ({ payload }) => heard.push(payload));
  await listener.connect();
  await listener.query('listen rekey_deks');
  await core.startAndRotate(other.tenantId);
  await until(() => heard.includes(other.tenantId), { what: 'a listener is told' });
  await listener.end();
});
