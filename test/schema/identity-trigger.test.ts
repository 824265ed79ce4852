import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { migrate } from '@rekey/schema';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;
const tenantId = await core.createTenant();

await store.query(`
  create table things (id uuid primary key, tenant_id uuid not null, key_number int not null, ciphertext bytea not null);
  create index on things (tenant_id, id); select rekey.register_target('things', 'secrets', 'things')`);

async function put(): Promise<string> {
  const id = randomUUID();
  await vault.put({ target: 'things', tenantId, id, value: Buffer.from('a value'), columns: {} });
  return id;
}

async function problems(): Promise<string[]> {
  const { rows } = await store.query<{ code: string }>('select code from rekey.integrity_problems()');
  return rows.map(({ code }) => code);
}

test('neither an id nor a tenant changes, by whatever statement', async () => {
  const [one, other] = [await put(), await put()];
  const refused = { code: 'RK004' };
  await assert.rejects(store.query(`update things set id = gen_random_uuid() where id = $1`, [one]), refused);
  await assert.rejects(
    store.query(`update things set tenant_id = gen_random_uuid() where id = $1`, [one]),
    refused,
  );
  // Each takes the other's place, so that the same ids stand there before and after.
  const swap = `update things set id = case id when $1 then $2::uuid else $1::uuid end where id in ($1, $2)`;
  await assert.rejects(store.query(swap, [one, other]), ({ code }: { code: string }) =>
    ['RK004', '23505'].includes(code),
  );
  await assert.rejects(
    store.query(
      `insert into things select * from things where id = $1 on conflict (id) do update set tenant_id = gen_random_uuid()`,
      [one],
    ),
    refused,
  );
  await store.query(`update things set id = id, tenant_id = tenant_id where id = $1`, [one]);
  assert.equal((await vault.get({ target: 'things', tenantId, id: one }))?.toString(), 'a value');
});

test('nobody rewrites what is sealed past all triggers, by changing the type of its columns', async () => {
  await store.query('alter table things add column kept bytea');
  for (const change of [
    'key_number type int using 1',
    'ciphertext type bytea using kept',
    `id type uuid using gen_random_uuid()`,
  ])
    await assert.rejects(store.query(`alter table things alter ${change}`), { code: '0A000' });
});

test('no trigger of ours stands before the update of a row, since Postgres would lock each of them first', async () => {
  const { rows } = await store.query<{ before: boolean }>(
    `select t.tgtype & 2 = 2 as before from pg_trigger t
     where t.tgrelid = 'things'::regclass and not t.tgisinternal and t.tgtype & 1 = 1`,
  );
  assert.deepEqual(rows, [{ before: false }]);
});

test('in the tables that ship it is that kind as well, though their migration made the other', async () => {
  const { rows } = await store.query(
    `select from pg_trigger where tgname ~ '^rekey_identity_(secrets|credentials|api_keys)$' and tgtype & 2 = 0`,
  );
  assert.equal(rows.length, 3);
});

test('the trigger of an earlier version is as good: an upgrade leaves it, for which it would lock the table, a repair replaces it', async () => {
  const kind = async (): Promise<number> =>
    (await store.query(`select tgtype from pg_trigger where tgname = 'rekey_identity_things'`)).rows[0]
      ?.tgtype;
  const now = await kind();
  await store.query(`
    drop trigger rekey_identity_things on things;
    create trigger rekey_identity_things before update of id, tenant_id on things for each row
      when (old.id is distinct from new.id or old.tenant_id is distinct from new.tenant_id)
      execute function rekey.refuse_identity_change()`);
  const before = await kind();
  assert.notEqual(before, now);
  assert.deepEqual(await problems(), []);
  await store.query(`update rekey.functions set sha256 = '' where name = 'install_fence.sql'`);
  await migrate(core.database.url);
  assert.equal(await kind(), before);
  await assert.rejects(store.query(`update things set id = gen_random_uuid() where id = $1`, [await put()]), {
    code: 'RK004',
  });
  await store.query(`select rekey.repair_target('things')`);
  assert.equal(await kind(), now);
  assert.deepEqual(await problems(), []);
});
