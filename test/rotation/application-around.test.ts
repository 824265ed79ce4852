import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cancelRotation, findRotation } from '@rekey/control';
import { openStore, openSweepStore } from '@rekey/db';
import { diagnose, rotate } from '@rekey/rotation';
import { patient } from '../harness/patient.ts';
import { asRole } from '../harness/roles.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { outcome } from '../harness/vault-errors.ts';

const core = await rotationCore();
const { store, vault, env } = core;
const signal = new AbortController().signal;

/** Changes the schema for one test. */
async function alter(t: TestContext, ddl: string, undo: string): Promise<void> {
  await store.query(ddl);
  t.after(() => store.query(undo));
}

test('a trigger of the application passes over what the sweep writes, by the name of its sessions', async (t) => {
  const { tenantId, ids } = await core.tenantWith(5);
  await alter(
    t,
    `create table changes (id uuid, at timestamptz default now());
     create function changed() returns trigger language plpgsql as $$ begin
       insert into public.changes (id) values (new.id); new.updated_at := clock_timestamp(); return new; end $$;
     create trigger changed before update on secrets for each row
       when (current_setting('application_name') <> 'rekey-sweep') execute function changed()`,
    'drop trigger changed on secrets; drop function changed(); drop table changes',
  );
  const sweepStore = openSweepStore({
    ...patient,
    url: core.database.url,
    applicationName: 'rekey-sweep',
    onError: () => {},
  });
  t.after(() => sweepStore.end());
  const before = await store.query('select id, updated_at from secrets where tenant_id = $1 order by id', [
    tenantId,
  ]);
  const rotationId = await core.start(tenantId);
  await rotate({ ...env, sweepStore }, rotationId, signal);
  const view = await findRotation(store, rotationId);
  assert.deepEqual([view?.status, view?.itemsRotated.secrets], ['completed', 5]);
  const after = await store.query('select id, updated_at from secrets where tenant_id = $1 order by id', [
    tenantId,
  ]);
  assert.deepEqual(after.rows, before.rows);
  assert.deepEqual((await store.query('select id from changes')).rows, []);
  await vault.put({ target: 'secrets', tenantId, id: ids[0] ?? '', value: Buffer.of(1) });
  assert.deepEqual((await store.query('select id from changes')).rows, [{ id: ids[0] }]);
});

test('a cancel before the switch looks through no records: it is done while nobody may read a table', async (t) => {
  const { tenantId } = await core.tenantWith(5);
  const rotationId = await core.start(tenantId);
  const client = await store.connect();
  t.after(() => client.release());
  await client.query('begin; lock table secrets in access exclusive mode');
  const hasty = openStore({
    ...patient,
    url: core.database.url,
    session: { lock_timeout: '500ms' },
    onError: () => {},
  });
  t.after(() => hasty.end());
  try {
    assert.equal((await cancelRotation(hasty, rotationId)).kind, 'changed');
  } finally {
    await client.query('rollback');
  }
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 destroyed']);
});

test('a publication that makes a table one nobody may update is waited for by name, and gone on from', async (t) => {
  await store.query(`
    create table tokens (id uuid not null unique, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on tokens (tenant_id, id); select rekey.register_target('tokens', 'secrets', 'tokens')`);
  t.after(() => store.query(`delete from tokens; select rekey.unregister_target('tokens')`));
  const { tenantId } = await core.tenantWith(3);
  const id = '00000000-0000-4000-8000-000000000001';
  await vault.put({ target: 'tokens', tenantId, id, value: Buffer.of(1) });
  await store.query('create publication everything for all tables');
  const rotationId = await core.start(tenantId);
  await assert.rejects(core.rotateOnce(rotationId), (error: unknown) => {
    const trouble = diagnose(error);
    assert.ok(trouble.kind === 'transient' && trouble.waitingFor === 'database');
    assert.match(trouble.detail?.what ?? '', /public\.tokens .*55000/);
    return true;
  });
  assert.equal((await findRotation(store, rotationId))?.status, 'in_progress');
  // A tenant with nothing in it is not held up.
  const { tenantId: other } = await core.tenantWith(3);
  assert.equal((await core.startAndRotate(other)).status, 'completed');
  await store.query('alter table tokens replica identity full; drop publication everything');
  assert.equal((await core.finish(rotationId)).status, 'completed');
});

test("what an application's own policy hides from it, it neither gets nor puts over", async (t) => {
  const { tenantId, ids } = await core.tenantWith(2);
  const [shown = '', hidden = ''] = ids;
  const url = asRole(core.database.url, 'application');
  const role = new URL(url).username;
  await alter(
    t,
    `create policy visible on secrets to ${role} using (name <> 'hidden'); alter table secrets enable row level security`,
    'alter table secrets disable row level security; drop policy visible on secrets',
  );
  await store.query(`update secrets set name = 'hidden' where id = $1`, [hidden]);
  const own = openStore({ ...patient, url, onError: () => {} });
  t.after(() => own.end());
  const bound = core.anotherVault({ store: own });
  t.after(() => bound.close());
  const get = (id: string): Promise<Buffer | null> => bound.get({ target: 'secrets', tenantId, id });
  assert.deepEqual(await get(shown), firstSecret(shown));
  assert.equal(await get(hidden), null);
  const put = (id: string): Promise<void> =>
    bound.put({ target: 'secrets', tenantId, id, value: Buffer.of(1), columns: { name: 'mine' } });
  assert.equal(await outcome(put(shown)), 'done');
  assert.notEqual(await outcome(put(hidden)), 'done');
  assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id: hidden }), firstSecret(hidden));
});
