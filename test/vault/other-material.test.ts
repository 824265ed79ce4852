import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openStore } from '@rekey/db';
import { createKeyring } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import { createVault, type Vault } from '@rekey/vault';
import { Client } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { patient } from '../harness/patient.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

/**
 * A rotation has reserved DEK 2. Its database is copied as a standby or a backup would have it, and goes on: material
 * is stored, the key switched, written under. Then the copy takes its place, under the same address, and nobody is
 * restarted: there, other material is stored under the same number.
 */
async function afterTheRestore(t: TestContext, { prefetch }: { prefetch: boolean }) {
  const owner = { after: (work: () => unknown) => t.after(work) };
  const core = await rotationCore(owner);
  const { tenantId, ids } = await core.tenantWith(6);
  const store = openStore({ ...patient, url: core.database.url, max: 4, onError: () => {} });
  const vault = createVault({ store, kek: core.kek, prefetch });
  t.after(async () => {
    await vault.close();
    await store.end();
  });
  const put = (id: string, value: string): Promise<void> =>
    vault.put({ target: 'secrets', tenantId, id, value: Buffer.from(value) });
  await put(ids[0] ?? '', 'before');
  const rotationId = await core.start(tenantId);

  const name = new URL(core.database.url).pathname.slice(1);
  const admin = new Client({ connectionString: testEnvironment('TEST_DATABASE_ADMIN_URL') });
  await admin.connect();
  t.after(() => admin.end());
  const cutAll = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  const copied = async (from: string, to: string): Promise<void> => {
    await admin.query(cutAll);
    await until(
      () =>
        admin.query(`create database ${to} template ${from}`).then(
          () => true,
          () => false,
        ),
      {
        what: 'a copy',
      },
    );
  };
  await copied(name, `${name}_copy`);
  assert.equal((await core.finish(rotationId)).status, 'completed');
  await put(ids[1] ?? '', 'lost with the old primary'); // DEK 2 is at hand, with seals
  await admin.query(`drop database ${name} with (force)`);
  await admin.query(`create database ${name} template ${name}_copy`);
  await admin.query(`drop database ${name}_copy`);

  const rotated = await anotherWorker(core, rotationId);
  assert.equal(rotated, 'completed');
  return { core, tenantId, ids, vault, put };
}

/** With a keyring of its own, that knows nothing of the old primary. */
async function anotherWorker(
  core: Awaited<ReturnType<typeof rotationCore>>,
  rotationId: string,
): Promise<string> {
  Object.assign(core.env, { keyring: createKeyring({ store: core.store, keks: asKeks(core.kek) }) });
  return (await core.finish(rotationId)).status;
}

async function shown(vault: Vault, tenantId: string, id: string): Promise<string | undefined> {
  return (await vault.get({ target: 'secrets', tenantId, id }))?.toString();
}

for (const [prefetch, first] of [
  [true, 'get'],
  [false, 'get'],
  [false, 'put'],
] as const) {
  test(`after a failover everybody opens what anybody puts, though another DEK had its number before (prefetch ${prefetch}, first a ${first})`, async (t) => {
    const { core, tenantId, ids, vault, put } = await afterTheRestore(t, { prefetch });
    const [earlier = '', , third = '', fourth = '', ...others] = ids;
    const theirs = core.anotherVault();
    await theirs.put({ target: 'secrets', tenantId, id: third, value: Buffer.from('theirs') });
    if (first === 'get') assert.equal(await shown(vault, tenantId, third), 'theirs');
    await put(fourth, 'acknowledged after the failover');
    for (const reader of [core.anotherVault(), vault]) {
      assert.equal(await shown(reader, tenantId, fourth), 'acknowledged after the failover');
      assert.equal(await shown(reader, tenantId, third), 'theirs');
      assert.equal(await shown(reader, tenantId, earlier), 'before');
      for (const id of others) assert.equal(await shown(reader, tenantId, id), firstSecret(id).toString());
    }
    const client = await core.store.connect();
    await client.query('begin');
    const value = Buffer.from('in a transaction');
    await vault.put({ target: 'secrets', tenantId, id: third, value, client });
    await client.query('commit');
    client.release();
    assert.equal(await shown(theirs, tenantId, third), 'in a transaction');
    assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
  });
}

test('a record that was swept, and its DEK destroyed, between two looks of a get is got', async (t) => {
  const owner = { after: (work: () => unknown) => t.after(work) };
  const core = await rotationCore(owner);
  const { tenantId, ids } = await core.tenantWith(1);
  const vault = core.anotherVault();
  // The vault reads the record, and then asks for its DEK: meanwhile both are gone.
  let meanwhile: Promise<unknown> | undefined;
  const query = core.store.query.bind(core.store);
  t.mock.method(core.store, 'query', (...given: Parameters<typeof query>) => {
    const reading = query(...given);
    if (meanwhile !== undefined || !JSON.stringify(given[0]).includes('dek_ahead')) return reading;
    meanwhile = (async () => {
      const read = await reading;
      await core.startAndRotate(tenantId);
      await query(
        `update rekey.deks set state = 'destroyed', destroyed_at = now() where tenant_id = $1 and key_number = 1`,
        [tenantId],
      );
      return read;
    })();
    return meanwhile;
  });
  assert.equal(await shown(vault, tenantId, ids[0] ?? ''), firstSecret(ids[0] ?? '').toString());
  assert.deepEqual(await core.deks(tenantId), ['1 destroyed', '2 active']);
});

test('a rewrap leaves the DEK at hand as it is', async (t) => {
  const owner = { after: (work: () => unknown) => t.after(work) };
  const core = await rotationCore(owner);
  const { tenantId, ids } = await core.tenantWith(1);
  const [id = ''] = ids;
  await core.vault.get({ target: 'secrets', tenantId, id });
  const before = core.kek.calls.unwrap;
  await core.store.query(
    `update rekey.dek_material m set wrap_version = wrap_version + 1, wrapped = $2
     from rekey.deks d where d.id = m.dek_id and d.tenant_id = $1 and d.key_number = 1`,
    [tenantId, Buffer.alloc(80, 1)], // what no KEK unwraps: whoever has the DEK need not
  );
  await core.vault.put({ target: 'secrets', tenantId, id, value: Buffer.of(1) });
  assert.deepEqual(await core.vault.get({ target: 'secrets', tenantId, id }), Buffer.of(1));
  assert.equal(core.kek.calls.unwrap, before);
});
