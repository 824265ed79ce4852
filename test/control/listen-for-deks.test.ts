import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { listenForDeks } from '@rekey/control';
import { openStore } from '@rekey/db';
import { Client } from 'pg';
import { createTestDatabase } from '../harness/database.ts';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';

test('whoever listens for DEKs listens again after its connection ended, with or without an error', async (t) => {
  const database = await createTestDatabase();
  const store = openStore({ ...patient, url: database.url, onError: () => {} });
  const taken: unknown[] = [];
  store.on('acquire', (client) => taken.push(client));
  const heard = new Set<string>();
  const stop = listenForDeks(store, { onTenant: (tenantId) => heard.add(tenantId), onListening: () => {} });
  t.after(async () => {
    stop();
    await store.end();
  });
  const hears = async (): Promise<boolean> => {
    const tenantId = randomUUID();
    await database.pool().query(`select pg_notify('rekey_deks', $1)`, [tenantId]);
    return until(() => heard.has(tenantId), { what: 'a notification', timeoutMs: 100 }).catch(() => false);
  };
  await until(hears, { what: 'it listens' });
  const [listening] = taken;
  assert.ok(listening instanceof Client);
  await listening.end();
  await until(hears, { what: 'it listens again' });
});
