import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation } from '@rekey/control';
import { openStore } from '@rekey/db';
import { createVault, VaultError } from '@rekey/vault';
import { kmsAway } from '../harness/kek.ts';
import { patient } from '../harness/patient.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { outcome, refusal } from '../harness/vault-errors.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, vault, database } = core;
const columns = { name: 'n' };
const value = Buffer.from('a value');

test('whatever Postgres says to a put or a get comes as an error of the vault, and as the right one', async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const [id = ''] = ids;
  await store.query(`
    create table public.parents (id int primary key);
    create table public.strict (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea,
      label text check (label <> 'forbidden'), parent int references public.parents, other text unique,
      needed text not null default 'x');
    create index on public.strict (tenant_id, id); create index on public.strict (other);
    select rekey.register_target('strict', 'secrets', 'public.strict');
    create function public.refuse() returns trigger language plpgsql as $$ begin
      if new.label = 'raise' then raise exception 'a trigger says %', new.label; end if;
      if new.label = 'own' then raise exception 'its own' using errcode = 'ZZ001'; end if;
      if new.label = 'divide' then perform 1 / 0; end if;
      if new.label = 'drop' then return null; end if;
      return new; end $$;
    create trigger refuse before insert or update on public.strict for each row execute function public.refuse()`);
  await vault.put({ target: 'strict', tenantId, id: randomUUID(), value, columns: { other: 'taken' } });
  const put = (given: Record<string, string | number | null>): Promise<string> =>
    outcome(vault.put({ target: 'strict', tenantId, id: randomUUID(), value, columns: given }));
  const said = {
    check: await put({ label: 'forbidden' }),
    foreignKey: await put({ parent: 7 }),
    unique: await put({ other: 'taken' }),
    notNull: await put({ needed: null }),
    tooWideForAnIndex: await put({ other: Array.from({ length: 300 }, randomUUID).join() }),
    raised: await put({ label: 'raise' }),
    withAStateOfItsOwn: await put({ label: 'own' }),
    divided: await put({ label: 'divide' }),
    dropped: await put({ label: 'drop' }),
    unknownColumn: await put({ nonsense: 1 }),
    theTenant: await put({ tenant_id: randomUUID() }),
    theKey: await put({ key_number: 9 }),
  };
  assert.deepEqual(said, {
    check: 'INVALID_VALUE',
    foreignKey: 'INVALID_VALUE',
    unique: 'INVALID_VALUE',
    notNull: 'INVALID_VALUE',
    tooWideForAnIndex: 'INVALID_VALUE',
    raised: 'REFUSED',
    withAStateOfItsOwn: 'REFUSED',
    divided: 'INVALID_VALUE',
    dropped: 'REFUSED',
    unknownColumn: 'INVALID_VALUE',
    theTenant: 'INVALID_VALUE',
    theKey: 'INVALID_VALUE',
  });
  const { rows } = await store.query('select count(*)::int as n from public.strict');
  assert.deepEqual(rows, [{ n: 1 }]);

  const get = { target: 'secrets', tenantId, id };
  const idle = await database.pool().connect();
  t.after(() => idle.release(true));
  assert.equal(await outcome(vault.put({ ...get, value, client: idle })), 'REFUSED', 'no transaction');
  await idle.query('begin');
  await idle.query('select 1 / 0').catch(() => {});
  assert.equal(await outcome(vault.put({ ...get, value, client: idle })), 'REFUSED', 'a failed transaction');
  assert.equal(await outcome(vault.get({ ...get, client: idle })), 'REFUSED');
  await idle.query('rollback');
  await idle.query('begin read only');
  assert.equal(await outcome(vault.put({ ...get, value, client: idle })), 'REFUSED', 'a read-only one');

  const locked = await database.pool().connect();
  await locked.query('begin');
  await locked.query('select from secrets where id = $1 for update', [id]);
  const impatient = await database.pool().connect();
  await impatient.query(`begin; set local lock_timeout = '50ms'`);
  assert.equal(await outcome(vault.put({ ...get, value, client: impatient })), 'RETRY');
  await impatient.query(`rollback; begin; set local statement_timeout = '50ms'`);
  assert.equal(await outcome(vault.put({ ...get, value, client: impatient })), 'UNAVAILABLE');
  impatient.release(true);
  locked.release(true);
  assert.deepEqual(await vault.get(get), firstSecret(id));
});

test('so does what the network, the KMS, a role, a missing schema, an ended store or a mistake come to', async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const record = { target: 'secrets', tenantId, id: ids[0] ?? '' };
  const role = `role_${randomUUID().replaceAll('-', '')}`;
  await store.query(`create role ${role} login password 'x'`);
  t.after(() => store.query(`drop role ${role}`));
  const url = (change: (url: URL) => void): string => {
    const other = new URL(database.url);
    change(other);
    return other.href;
  };
  const urls = {
    UNAVAILABLE: url((other) => {
      other.port = '1';
    }),
    ACCESS_DENIED: url((other) => {
      other.username = role;
      other.password = 'x';
    }),
    SCHEMA_MISSING: url((other) => {
      other.pathname = '/postgres';
    }),
  };
  for (const [code, at] of Object.entries(urls)) {
    const other = openStore({ ...patient, url: at, onError: () => {} });
    const there = createVault({ store: other, kek: core.kek, prefetch: false });
    const all = [
      there.get(record),
      there.put({ ...record, value }),
      there.createTenant({ tenantId, name: 'n' }),
    ];
    assert.deepEqual(await Promise.all(all.map(outcome)), [code, code, code]);
    await there.close();
    await other.end();
  }
  const ended = openStore({ ...patient, url: database.url, onError: () => {} });
  const onEnded = createVault({ store: ended, kek: core.kek, prefetch: false });
  await ended.end();
  assert.equal(await outcome(onEnded.get(record)), 'UNAVAILABLE');
  assert.equal(await outcome(onEnded.put({ ...record, value })), 'UNAVAILABLE');
  await onEnded.close();

  core.kek.beforeUnwrap = kmsAway;
  t.after(() => {
    core.kek.beforeUnwrap = async () => {};
  });
  assert.equal(await outcome(core.anotherVault().get(record)), 'UNAVAILABLE');
  core.kek.beforeUnwrap = async () => {
    throw new TypeError('not what a KEK throws');
  };
  assert.equal(await outcome(core.anotherVault().get(record)), 'INTERNAL');
  for (const wrong of [undefined, null, {}, { ...record, client: 5 }, { ...record, client: null }]) {
    for (const call of [vault.get, vault.put, vault.putMany, vault.createTenant]) {
      const error = await call(wrong as never).catch((reason: unknown) => reason);
      assert.ok(error instanceof VaultError, `${call.name} ${String(error)}`);
    }
  }
});

test('of two puts at once on one connection, one that fails takes nothing back of the other', async () => {
  const { tenantId } = await core.tenantWith(0);
  const client = await database.pool().connect();
  await client.query('begin');
  const good = Array.from({ length: 20 }, () => randomUUID());
  const put = (id: string, name: string): Promise<string> =>
    outcome(
      vault.put({ target: 'secrets', tenantId, id, value: firstSecret(id), columns: { name }, client }),
    );
  const all = good.flatMap((id) => [put(id, 'n'), put(randomUUID(), ''), put(id, 'again')]);
  const reads = good.map((id) => outcome(vault.get({ target: 'secrets', tenantId, id, client })));
  const came = await Promise.all(all);
  assert.deepEqual([...new Set(await Promise.all(reads))], ['done']);
  await client.query('commit');
  client.release();
  assert.deepEqual(
    came,
    good.flatMap(() => ['done', 'INVALID_VALUE', 'done']),
  );
  for (const id of good) {
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
  }
});

test('the same id twice in one putMany is refused, in either case, and nothing of it is written', async () => {
  const { tenantId } = await core.tenantWith(0);
  const id = randomUUID();
  for (const second of [id, id.toUpperCase()]) {
    const records = [id, randomUUID(), second].map((one) => ({ id: one, value, columns }));
    await assert.rejects(vault.putMany({ target: 'secrets', tenantId, records }), refusal('INVALID_ID'));
  }
  assert.equal(await vault.get({ target: 'secrets', tenantId, id }), null);
});

test('70,000 records in one putMany are all written, or none', async (t) => {
  const { tenantId } = await core.tenantWith(0);
  const { ids: others } = await core.tenantWith(1);
  const records = Array.from({ length: 70_000 }, () => ({ id: randomUUID(), value, columns }));
  const taken = [...records.slice(1), { id: others[0] ?? '', value, columns }];
  await assert.rejects(vault.putMany({ target: 'secrets', tenantId, records: taken }), refusal('ID_TAKEN'));
  const count = async (): Promise<unknown> =>
    (await store.query('select count(*)::int as n from secrets where tenant_id = $1', [tenantId])).rows[0];
  assert.deepEqual(await count(), { n: 0 });
  const began = performance.now();
  await vault.putMany({ target: 'secrets', tenantId, records });
  t.diagnostic(`${Math.round(performance.now() - began)} ms`);
  assert.deepEqual(await count(), { n: 70_000 });
  const some = records.filter((_, n) => n % 100 === 0);
  const got = await Promise.all(some.map(({ id }) => vault.get({ target: 'secrets', tenantId, id })));
  assert.ok(
    got.every((one) => one?.equals(value)),
    '700 gets at once on a pool of 20',
  );
  await vault.putMany({ target: 'secrets', tenantId, records: [] });
});

test('createTenant takes every name that it can store, and says so of the others', async () => {
  const name = async (given: unknown): Promise<string> =>
    outcome(vault.createTenant({ tenantId: randomUUID(), name: given as string }));
  for (const good of ['x', 'é', '\u{1F600}'.repeat(200), 'x'.repeat(200), "o'brien", ' ']) {
    assert.equal(await name(good), 'done', good);
  }
  for (const bad of ['', 'x'.repeat(201), 'nul \0', '\ud800', null, undefined, 7]) {
    assert.equal(await name(bad), 'INVALID_VALUE', String(bad));
  }
});

test('createTenant waits for a first rotation, makes the DEK itself when that is cancelled, or says that there is none', async () => {
  const bare = async (): Promise<{ tenantId: string; rotationId: string }> => {
    const tenantId = randomUUID();
    await store.query(`insert into rekey.tenants (id, name) values ($1, 'bare')`, [tenantId]);
    return { tenantId, rotationId: await core.start(tenantId) };
  };
  const stuck = await bare();
  await assert.rejects(vault.createTenant({ tenantId: stuck.tenantId, name: 'n' }), refusal('NO_ACTIVE_KEY'));
  const cancelled = await bare();
  const waiting = vault.createTenant({ tenantId: cancelled.tenantId, name: 'n' });
  await until(async () => (await core.deks(cancelled.tenantId)).length === 1, {
    what: 'the call finds the rotation',
  });
  await cancelRotation(store, cancelled.rotationId);
  await waiting;
  const put = { target: 'secrets', tenantId: cancelled.tenantId, id: randomUUID(), value, columns };
  await vault.put(put);
  assert.deepEqual(await vault.get(put), value);
});
