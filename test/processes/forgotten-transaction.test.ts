import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Client } from 'pg';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';

const rekey = await installation({ workers: 1, workerEnv: { WORKER_CONCURRENCY: '1' } });

/** A transaction that wrote for the tenant and stays open. */
async function forget(tenantId: string): Promise<Client> {
  const client = new Client({ connectionString: rekey.databaseUrl, application_name: 'forgetful' });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin');
  await rekey.vault.put({
    target: 'secrets',
    tenantId,
    id: randomUUID(),
    value: Buffer.from('of before the switch'),
    columns: { name: 'n' },
    client,
  });
  return client;
}

test('a forgotten transaction holds up the end of its own rotation and nobody else, and is named', async (t) => {
  const { tenantId } = await rekey.seedTenant(85);
  const forgotten = await forget(tenantId);
  t.after(() => forgotten.end());
  const { body } = await rekey.rotate(tenantId);
  const rotationId = body.data.rotationId;

  const named = await until(
    async () => {
      const { data } = (await rekey.status(rotationId)).body as unknown as {
        data: {
          status: string;
          waitingFor: string | null;
          switchedAt: string | null;
          waitingDetail: {
            since: string | null;
            holders: Array<{ pid: number; applicationName: string }>;
          } | null;
        };
      };
      return data.waitingFor === 'lock' && data.waitingDetail !== null ? data : undefined;
    },
    { what: 'the status names who is in the way', timeoutMs: 20_000 },
  );
  assert.equal(named.status, 'in_progress');
  assert.ok(named.switchedAt !== null);
  const pid = 'processID' in forgotten ? forgotten.processID : undefined;
  assert.deepEqual(
    named.waitingDetail?.holders.map((holder) => [holder.pid, holder.applicationName]),
    [[pid, 'forgetful']],
  );

  // Writers of the same tenant wait for no lock of ours: the store's sessions would say LOCKED.
  const writer = new Client({ connectionString: rekey.databaseUrl });
  await writer.connect();
  t.after(() => writer.end());
  await writer.query(`set lock_timeout = '5s'`);
  for (let write = 0; write < 50; write += 1) {
    await writer.query('begin');
    await rekey.vault.put({
      target: 'secrets',
      tenantId,
      id: randomUUID(),
      value: Buffer.from(`${write}`),
      columns: { name: 'n' },
      client: writer,
    });
    await writer.query('commit');
  }

  await forgotten.query('commit');
  const ended = performance.now();
  const data = await rekey.ended(rotationId);
  const tookMs = performance.now() - ended;
  assert.equal(data.status, 'completed');
  assert.equal(data.waitingFor, null);
  assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  t.diagnostic(`completed ${Math.round(tookMs)} ms after the forgotten transaction had ended`);
});

test('many tenants whose older keys drain take no slot of a worker from another tenant', async (t) => {
  const tenants = await Promise.all(Array.from({ length: 12 }, () => rekey.seedTenant(17)));
  const forgotten = await Promise.all(tenants.map(({ tenantId }) => forget(tenantId)));
  t.after(() => Promise.all(forgotten.map((client) => client.end())));
  const started = await Promise.all(tenants.map(({ tenantId }) => rekey.rotate(tenantId)));
  await until(
    async () => {
      const { rows } = await rekey.store.query(
        'select count(distinct rotation_id)::int as n from rekey.rotation_ranges where swept and proved_at is null',
      );
      return rows[0]?.n === tenants.length;
    },
    { what: 'all of them are swept and drain', timeoutMs: 60_000 },
  );
  const other = await rekey.seedTenant(85);
  const { body } = await rekey.rotate(other.tenantId);
  const data = await rekey.ended(body.data.rotationId);
  assert.equal(data.status, 'completed');
  for (const client of forgotten) await client.query('commit');
  for (const { body: call } of started)
    assert.equal((await rekey.ended(call.data.rotationId)).status, 'completed');
});
