import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beat, findIntegrityProblems, findRotation, recognizeDatabase } from '@rekey/control';
import {
  concludeHere,
  diagnose,
  IntegrityTrouble,
  prepareSweep,
  type RotationEnvironment,
  sweepHere,
} from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';
import { damages, swap } from './damages.ts';

const core = await rotationCore();
const { store, vault, env } = core;
const signal = new AbortController().signal;

let made = 0;

async function target(
  idType = 'uuid',
): Promise<{ name: string; tenantId: string; run: (sql: string) => Promise<unknown> }> {
  made += 1;
  const name = `things${made}`;
  await store.query(`
    create table ${name} (id ${idType} primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
    create index on ${name} (tenant_id, id); select rekey.register_target('${name}', 'secrets', '${name}')`);
  const tenantId = await core.createTenant();
  await vault.putMany({
    target: name,
    tenantId,
    records: Array.from({ length: 9 }, (_, i) => ({
      id: `00000000-0000-4000-8000-00000000000${i}`,
      value: Buffer.from(`v${i}`),
    })),
  });
  return { name, tenantId, run: (sql) => store.query(sql.replaceAll('TABLE', name)) };
}

const namesIt = (code: string) => (error: unknown) => {
  assert.ok(error instanceof IntegrityTrouble, String(error));
  assert.ok(
    error.problems.some((problem) => problem.code === code),
    error.message,
  );
  const trouble = diagnose(error);
  assert.ok(trouble.kind === 'transient' && trouble.waitingFor === 'integrity' && trouble.detail?.todo);
  return true;
};

async function sweep(of: RotationEnvironment, rotationId: string): Promise<void> {
  const prepared = await prepareSweep(of, rotationId, signal);
  assert.ok(prepared !== null);
  assert.equal(await sweepHere(of, prepared, signal), 'done');
}

async function left(name: string, tenantId: string): Promise<number> {
  const { rows } = await store.query<{ left: number }>(
    `select count(*)::int as left from ${name} t where tenant_id = $1 and key_number <>
       (select key_number from rekey.deks d where d.tenant_id = $1 and d.state = 'active')`,
    [tenantId],
  );
  return rows[0]?.left ?? -1;
}

for (const { what, code, sql, mend, unfenced } of damages) {
  test(`a rotation does not switch over a table that is ${what}, and goes on after the repair`, async () => {
    const { name, tenantId, run } = await target();
    const rotationId = await core.start(tenantId);
    await run(sql);
    await assert.rejects(core.rotateOnce(rotationId), namesIt(code));
    assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
    if (mend !== undefined) await run(mend);
    await run(`select rekey.repair_target('TABLE')`);
    assert.deepEqual(await findIntegrityProblems(store, tenantId), []);
    assert.equal((await core.finish(rotationId)).status, 'completed');
    assert.equal(await left(name, tenantId), 0);
  });

  test(`a rotation is not completed over a table that is ${what} since it was swept`, async () => {
    const { name, tenantId, run } = await target();
    const rotationId = await core.start(tenantId);
    await sweep(env, rotationId);
    await run(sql);
    if (unfenced === true) {
      await run(
        `insert into TABLE values (gen_random_uuid(), '${tenantId}', 1, '\\x010000000100');
         delete from TABLE where id = '00000000-0000-4000-8000-000000000003'`,
      );
    }
    await assert.rejects(concludeHere(env, rotationId), namesIt(code));
    assert.equal((await findRotation(store, rotationId))?.status, 'in_progress');
    if (mend !== undefined) await run(mend);
    await run(`select rekey.repair_target('TABLE')`);
    assert.deepEqual(await findIntegrityProblems(store, tenantId), []);
    const view = await core.finish(rotationId);
    // What was written past the fence opens under no DEK: it is named.
    assert.equal(view.status, unfenced === true ? 'completed_with_failures' : 'completed');
    assert.equal(await left(name, tenantId), unfenced === true ? 1 : 0);
  });
}

test('a collation whose version changed is named, by its column or of the whole database', async () => {
  await store.query(`create collation house (provider = icu, locale = 'en')`);
  const { tenantId } = await target('text collate house');
  const plain = await target('text');
  const rotationId = await core.start(tenantId);
  const other = await core.start(plain.tenantId);
  const set = (version: string): Promise<unknown> =>
    store.query(`update pg_collation set collversion = ${version} where collname = 'house'`);
  await set(`'0.1'`);
  await assert.rejects(core.rotateOnce(rotationId), namesIt('COLLATION'));
  await set('pg_collation_actual_version(oid)');
  assert.equal((await core.finish(rotationId)).status, 'completed');

  const { rows } = await store.query(
    'select oid, datcollversion as version from pg_database where datname = current_database()',
  );
  if (rows[0]?.version !== null) {
    await store.query(`update pg_database set datcollversion = '0.1' where oid = $1`, [rows[0]?.oid]);
    await assert.rejects(core.rotateOnce(other), namesIt('COLLATION'));
    await store.query('update pg_database set datcollversion = $2 where oid = $1', [
      rows[0]?.oid,
      rows[0]?.version,
    ]);
  }
  assert.equal((await core.finish(other)).status, 'completed');
});

test('row level security counts only where it may hide rows from who looks', async () => {
  const { name } = await target();
  const role = `eyes_${process.pid}`;
  await store.query(`create role ${role}; grant usage on schema rekey to ${role};
    grant execute on function rekey.integrity_problems(uuid) to ${role}`);
  const looking = core.database.pool({ options: `-c role=${role}` });
  const codes = async (): Promise<string[]> =>
    (await looking.query<{ code: string }>('select code from rekey.integrity_problems()')).rows.map(
      ({ code }) => code,
    );
  try {
    await store.query(`alter table ${name} enable row level security`);
    assert.deepEqual(await codes(), ['ROW_SECURITY']);
    assert.deepEqual(
      await findIntegrityProblems(store, await core.createTenant()),
      [],
      'a superuser sees all',
    );
    await store.query(`alter role ${role} bypassrls`);
    assert.deepEqual(await codes(), []);
    await store.query(`alter role ${role} nobypassrls; alter table ${name} owner to ${role}`);
    assert.deepEqual(await codes(), [], 'its owner sees all');
    await store.query(`alter table ${name} force row level security`);
    assert.deepEqual(await codes(), ['ROW_SECURITY']);
  } finally {
    await store.query(`alter table ${name} owner to current_user, no force row level security, disable row level security;
      drop owned by ${role}; drop role ${role}`);
  }
});

test('a DEK is not destroyed by an owner whom row level security hides its records from', async () => {
  const { name, tenantId } = await target();
  const role = `owner_${process.pid}`;
  await core.startAndRotate(tenantId);
  await store.query(`create role ${role}; grant all on schema rekey to ${role}; grant all on all tables in schema rekey to ${role};
    alter table ${name} owner to ${role}; alter table ${name} enable row level security, force row level security;
    alter function rekey.guard_dek() owner to ${role}; grant execute on all functions in schema rekey to ${role};
    grant select on credentials, api_keys, secrets to ${role}`);
  try {
    const destroy = store.query(
      `update rekey.deks set state = 'destroyed' where tenant_id = $1 and state = 'deactivated'`,
      [tenantId],
    );
    assert.equal(await sqlState(destroy), '42501');
  } finally {
    await store.query(`alter function rekey.guard_dek() owner to current_user;
      alter table ${name} owner to current_user, no force row level security, disable row level security;
      drop owned by ${role}; drop role ${role}`);
  }
});

test('a restored database is said to be one, once, and its tables are found again by their names', async () => {
  const { tenantId } = await target();
  await recognizeDatabase(store);
  assert.equal(await recognizeDatabase(store), 'same');
  // What a dump brings along: the identities of where it came from.
  await store.query(`insert into rekey.database_sightings (database_id, timeline) values ('1/2', '00000001');
    update rekey.targets set database_id = '1/2', table_oid = table_oid::bigint + 1000000 where retired_at is null`);
  const problems = await findIntegrityProblems(store, tenantId);
  assert.ok(problems.length > 0 && problems.every(({ code }) => code === 'DATABASE_RESTORED'));
  assert.equal(await recognizeDatabase(store), 'restored');
  assert.deepEqual(await findIntegrityProblems(store, tenantId), []);
  assert.equal(await recognizeDatabase(store), 'same');
  await store.query(`update rekey.database_sightings set timeline = '00000000'`);
  assert.equal(await recognizeDatabase(store), 'promoted');
  assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
});

test('what waits for integrity is neither done nor superseded, and says since when', async () => {
  const { tenantId, run } = await target();
  const rotationId = await core.start(tenantId);
  await sweep(env, rotationId);
  // Another rotation of the same tenant, before which all records are out of sight.
  await core.finish(rotationId);
  const next = await core.start(tenantId);
  await run(`${swap}; truncate TABLE`);
  const detail = { what: 'w', since: null, todo: 't' };
  const first = await beat(store, next, 'integrity', detail);
  assert.deepEqual([first?.view.itemsSuperseded.secrets, first?.view.itemsRemaining.secrets], [0, 9]);
  const since = first?.view.waitingDetail?.since;
  assert.ok(typeof since === 'string' && Math.abs(Date.parse(since) - Date.now()) < 60_000);
  assert.equal((await beat(store, next, 'integrity', detail))?.view.waitingDetail?.since, since);
  await run(`drop table TABLE; alter table TABLE_old rename to TABLE; select rekey.repair_target('TABLE')`);
  assert.equal((await core.finish(next)).status, 'completed');
});
