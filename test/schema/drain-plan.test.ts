import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, workerSession } from '@rekey/db';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();

test('a drain reads the DEKs of its own tenant, however many others have', async (t) => {
  // As it is at first: nearly all DEKs are active, and Postgres knows it.
  await core.pool.query(
    `insert into rekey.tenants (id, name) select gen_random_uuid(), 'tenant ' || n from generate_series(1, 2000) n`,
  );
  const { tenantId } = await core.tenantWith(1);
  await core.startAndRotate(tenantId);
  await core.pool.query(`
    alter table rekey.deks disable trigger user;
    insert into rekey.deks (id, tenant_id, key_number, state, activated_at)
      select gen_random_uuid(), t.id, 1, 'active', now() from rekey.tenants t
      where not exists (select from rekey.deks d where d.tenant_id = t.id);
    alter table rekey.deks enable trigger user`);
  await core.pool.query('analyze rekey.deks, rekey.dek_locks');

  const store = openStore({
    ...patient,
    url: core.database.url,
    max: 1,
    session: workerSession,
    onError: () => {},
  });
  t.after(() => store.end());
  const client = await store.connect();
  await client.query('begin');
  await client.query('select rekey.drain_older($1, true)', [tenantId]);
  const { rows } = await client.query<{ read: string }>(
    `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_xact_user_tables
     where schemaname = 'rekey' and relname in ('deks', 'dek_locks')`,
  );
  await client.query('rollback');
  client.release();
  assert.ok(Number(rows[0]?.read) < 50, `rows read: ${rows[0]?.read}`);
});
