import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFailures } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';
import { columns } from './target-cases.ts';

const core = await rotationCore();
const { store, vault } = core;

test('a name is free again once its target is unregistered, and what rotations did before stays on record', async () => {
  const table = (name: string): Promise<unknown> =>
    store.query(`create table ${name} (${columns.good}); create index on ${name} (tenant_id, id);
      select rekey.register_target('reused', 'apiKeys', '${name}')`);
  const tenantId = await core.createTenant();
  const finished: string[] = [];
  for (const name of ['first_one', 'second_one', 'third_one']) {
    await table(name);
    await store.query(
      `insert into ${name} select gen_random_uuid(), $1, d.key_number, '\\x01'::bytea || int4send(d.key_number) || '\\x00'
       from rekey.deks d where d.tenant_id = $1 and d.state = 'active'`,
      [tenantId],
    );
    const view = await core.startAndRotate(tenantId);
    assert.deepEqual([view.status, view.itemsFailed.apiKeys], ['completed_with_failures', 1], name);
    finished.push(view.id);
    await store.query(`delete from ${name}; select rekey.unregister_target('reused')`);
  }
  for (const rotationId of finished) {
    const { failures } = await listFailures(store, rotationId, { after: null, limit: 10 });
    assert.deepEqual(
      failures.map(({ itemType }) => itemType),
      ['apiKeys'],
    );
  }
  const { rows } = await store.query(
    `select t.name, t.table_name, count(*)::int as failures from rekey.targets t join rekey.rotation_failures f on f.target = t.name
     where t.retired_at is not null and t.name like 'reused%' group by 1, 2 order by 1`,
  );
  assert.deepEqual(rows, [
    { name: 'reused', table_name: 'public.third_one', failures: 1 },
    { name: 'reused~1', table_name: 'public.first_one', failures: 1 },
    { name: 'reused~2', table_name: 'public.second_one', failures: 1 },
  ]);
});

test('a name that is used again in the midst of a rotation is swept, though the one before was proved', async () => {
  const tenantId = await core.createTenant();
  const make = (name: string): Promise<unknown> =>
    store.query(`create table ${name} (${columns.good}); create index on ${name} (tenant_id, id);
      select rekey.register_target('again', 'secrets', '${name}')`);
  await make('again_one');
  const rotationId = await core.start(tenantId);
  await store.query(`select rekey.unregister_target('again')`);
  await make('again_two');
  const record = '00000000-0000-4000-8000-000000000002';
  await vault.put({ target: 'again', tenantId, id: record, value: Buffer.from('x') });
  const view = await core.finish(rotationId);
  assert.deepEqual([view.status, view.itemsRotated.secrets], ['completed', 1]);
});

test('a table that was replaced under its name is not unregistered while either holds sealed records', async () => {
  const tenantId = await core.createTenant();
  await store.query(`create table swapped (${columns.good}); create index on swapped (tenant_id, id);
    select rekey.register_target('swapped', 'secrets', 'swapped')`);
  await store.query(`create table swapped_new (like swapped including all);
    alter table swapped rename to swapped_old; alter table swapped_new rename to swapped`);
  const unregister = (): Promise<string | undefined> =>
    sqlState(store.query(`select rekey.unregister_target('swapped')`));
  const insert = (into: string): Promise<unknown> =>
    store.query(`insert into ${into} values (gen_random_uuid(), $1, 1, '\\x010000000100')`, [tenantId]);
  await insert('swapped');
  assert.equal(await unregister(), 'RK003');
  await store.query('truncate swapped');
  await insert('swapped_old');
  assert.equal(await unregister(), 'RK003');
  await store.query('truncate swapped_old');
  assert.equal(await unregister(), undefined);
  const { rows } = await store.query(
    `select from pg_trigger where tgrelid in ('swapped'::regclass, 'swapped_old'::regclass)`,
  );
  assert.equal(rows.length, 0);
  await insertSecret(store, tenantId, 1);
});
