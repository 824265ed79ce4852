import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { checkSchema, migrate } from '@rekey/schema';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { Pool, type PoolClient } from 'pg';
import type { Owner } from '../harness/cleanup.ts';
import { testEnvironment } from '../harness/environment.ts';
import { testKek } from '../harness/kek.ts';
import { sealedLike } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';

const folder = new URL('../../packages/schema/migrations/', import.meta.url);

/** The last migration of the version whose writers and switches met at a gate. */
const lastWithGate = '0006_start_in_one_statement.sql';

/** A database as the version before this one left it, with a tenant of one record. */
async function olderDatabase(owner: Owner): Promise<{ url: string; pool: Pool; tenantId: string }> {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
  const url = await createDatabase(adminUrl, name);
  const pool = new Pool({ connectionString: url, max: 30 });
  pool.on('error', () => {});
  owner.after(async () => {
    await pool.end();
    await dropDatabase(adminUrl, name);
  });
  await pool.query(`create schema rekey;
    create table rekey.migrations (
      name text primary key, sha256 text not null, ran_at timestamptz not null default now())`);
  for (const file of (await readdir(folder)).sort().filter((file) => file <= lastWithGate)) {
    const sql = await readFile(new URL(file, folder), 'utf8');
    await pool.query(sql);
    const sha256 = createHash('sha256').update(sql).digest('hex');
    await pool.query('insert into rekey.migrations (name, sha256) values ($1, $2)', [file, sha256]);
  }
  const tenantId = randomUUID();
  await pool.query(`insert into rekey.tenants (id, name) values ($1, 'older')`, [tenantId]);
  await makeDek(pool, tenantId, 1);
  await pool.query(`update rekey.deks set state = 'active', activated_at = now() where tenant_id = $1`, [
    tenantId,
  ]);
  return { url, pool, tenantId };
}

async function makeDek(
  pool: Pool,
  tenantId: string,
  keyNumber: number,
  { uri, wrapped }: { uri: string; wrapped: Buffer } = { uri: 'local:x', wrapped: Buffer.alloc(40) },
): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, $3, 'pre_active')`,
    [id, tenantId, keyNumber],
  );
  await pool.query('insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, $2, $3)', [
    id,
    uri,
    wrapped,
  ]);
  return id;
}

/** As a vault of either version writes: it holds the active DEK, then writes under it. */
async function write(client: PoolClient, tenantId: string): Promise<void> {
  const { rows } = await client.query('select key_number from rekey.hold_active_dek($1)', [tenantId]);
  const keyNumber: number = rows[0]?.key_number;
  await client.query(
    `insert into secrets (id, tenant_id, name, key_number, ciphertext) values (gen_random_uuid(), $1, 'n', $2, $3)`,
    [tenantId, keyNumber, sealedLike(keyNumber)],
  );
}

const switchTo = (pool: Pool, tenantId: string, next: string): Promise<unknown> =>
  pool
    .query(
      `with o as (update rekey.deks set state = 'deactivated', deactivated_at = now()
       where tenant_id = $1 and state = 'active' returning 1)
     select count(*) from o`,
      [tenantId],
    )
    .then(() =>
      pool.query(`update rekey.deks set state = 'active', activated_at = now() where id = $1`, [next]),
    );

test('an upgrade under load, beside a transaction that stays open, keeps no writer waiting', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const open = await pool.connect();
  await open.query('begin');
  await write(open, tenantId);

  let writing = true;
  const waitsMs: number[] = [];
  const writers = Array.from({ length: 8 }, async () => {
    const client = await pool.connect();
    try {
      // More than the migrator lets anybody wait, less than anything else that could be in the way for good.
      await client.query(`set lock_timeout = '400ms'`);
      while (writing) {
        const before = performance.now();
        await client.query('begin');
        await write(client, tenantId);
        await client.query('commit');
        waitsMs.push(performance.now() - before);
      }
    } finally {
      client.release();
    }
  });
  try {
    await migrate(url);
    await checkSchema(pool);
    // The open one goes on under the version that it began with, and the others under the new one.
    await write(open, tenantId);
    const at = waitsMs.length;
    while (waitsMs.length < at + 50) await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    writing = false;
    await Promise.all(writers);
  }
  t.diagnostic(`${waitsMs.length} writes, the longest ${Math.round(Math.max(...waitsMs))} ms`);

  // A switch waits for who locked the DEK's own row, as the older version did; new writers do not wait for the switch.
  const next = await makeDek(pool, tenantId, 2);
  const switcher = await pool.connect();
  await switcher.query(`set lock_timeout = '200ms'`);
  const early = switcher.query(
    `update rekey.deks set state = 'deactivated', deactivated_at = now() where tenant_id = $1 and state = 'active'`,
    [tenantId],
  );
  const meanwhile = await pool.connect();
  await meanwhile.query(`set lock_timeout = '100ms'`);
  await write(meanwhile, tenantId);
  assert.equal(await sqlState(early), '55P03');
  switcher.release();
  meanwhile.release();
  await open.query('commit');
  open.release();
  await switchTo(pool, tenantId, next);
  const { rows } = await pool.query(
    `select key_number, bool_and(closed_at is not null) as closed from rekey.dek_locks where tenant_id = $1
     group by 1 order by 1`,
    [tenantId],
  );
  assert.deepEqual(
    rows.map(({ key_number }) => key_number),
    [1, 2],
  );
  const { rows: drained } = await pool.query('select rekey.drain_older($1) as drained', [tenantId]);
  assert.deepEqual(drained, [{ drained: true }]);
});

test('an upgrade waits for a switch that is under way, and leaves no DEK without its lock', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const next = await makeDek(pool, tenantId, 2);
  const switcher = await pool.connect();
  await switcher.query('begin');
  await switcher.query(
    `update rekey.deks set state = 'deactivated' where tenant_id = $1 and state = 'active'`,
    [tenantId],
  );
  let waits = 0;
  const migrating = migrate(url, { onWait: () => (waits += 1) });
  while (waits === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await switcher.query(`update rekey.deks set state = 'active', activated_at = now() where id = $1`, [next]);
  await switcher.query('commit');
  switcher.release();
  await migrating;
  const { rows } = await pool.query(
    `select l.key_number, l.closed_at is null as open, count(*)::int as slots from rekey.dek_locks l
     where tenant_id = $1 group by 1, 2 order by 1`,
    [tenantId],
  );
  assert.deepEqual(rows, [
    { key_number: 1, open: false, slots: 1 },
    { key_number: 2, open: true, slots: 8 },
  ]);
});

test('an upgrade whose lock is not to be had in the time given changes nothing', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const switcher = await pool.connect();
  await switcher.query('begin');
  await switcher.query(`update rekey.deks set state = 'deactivated' where tenant_id = $1`, [tenantId]);
  await assert.rejects(migrate(url, { lockedForMs: 0 }), { code: 'LOCKED' });
  await switcher.query('rollback');
  switcher.release();
  const { rows } = await pool.query(`select to_regclass('rekey.dek_locks') as half`);
  assert.deepEqual(rows, [{ half: null }]);
});

test('DEKs from before KEKs had identities get that of the key that wrapped them, and count as no rewrap', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const kek = await testKek(t);
  const id = await makeDek(pool, tenantId, 2, {
    uri: kek.uri,
    wrapped: await kek.wrap(randomBytes(32), Buffer.alloc(32)),
  });
  await migrate(url);
  const { rows } = await pool.query(
    `select d.key_number, m.kek_id, m.wrap_version from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
     order by 1`,
  );
  // The first one is not of the form that a local KEK makes: all that is known of its KEK is the URI.
  assert.deepEqual(rows, [
    { key_number: 1, kek_id: 'local:x', wrap_version: 1 },
    { key_number: 2, kek_id: kek.id, wrap_version: 1 },
  ]);
  assert.deepEqual((await pool.query(`select kind from rekey.events where kind like 'key.%'`)).rows, []);

  // As processes of the version before go on calling.
  const next = randomUUID();
  await pool.query(
    `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, 3, 'pre_active')`,
    [next, tenantId],
  );
  const wrapped = await kek.wrap(randomBytes(32), Buffer.alloc(32));
  await pool.query('select rekey.store_material($1, $2, $3)', [next, kek.uri, wrapped]);
  const first = await kek.wrap(randomBytes(32), Buffer.alloc(32));
  await pool.query(`select rekey.create_tenant($1, 'new', $2, $3, $4)`, [
    randomUUID(),
    randomUUID(),
    kek.uri,
    first,
  ]);
  const { rows: known } = await pool.query(
    'select id, key_number, state, kek_uri, wrapped, material_id from rekey.wrapped_deks($1, $2, $3, $4)',
    [tenantId, 3, null, null],
  );
  assert.deepEqual(known[0]?.wrapped, wrapped);
  const { rows: inUse } = await pool.query('select * from rekey.keks_in_use()');
  assert.deepEqual(inUse, [
    { kek_id: kek.id, kek_uri: kek.uri, deks: '3' },
    { kek_id: 'local:x', kek_uri: 'local:x', deks: '1' },
  ]);
  const { rows: sampled } = await pool.query('select id from rekey.sample_deks($1, $2, $3)', [
    kek.uri,
    'local:',
    null,
  ]);
  assert.ok(sampled.some((dek) => dek.id === id));
});

test('a rotation from before events has one that says how it stood', async (t) => {
  const { url, pool, tenantId } = await olderDatabase(t);
  const [rotationId, newDekId] = [randomUUID(), randomUUID()];
  await pool.query(
    `select rekey.start_rotation($1, $2, $3, '{"id":"ada","name":"Ada","email":null}', '{"secrets":0}')`,
    [rotationId, tenantId, newDekId],
  );
  await migrate(url);
  const { rows } = await pool.query(
    `select kind, rotation_id, payload ->> 'status' as status, payload ->> 'newKeyId' as key from rekey.events
     where chain = $1`,
    [tenantId],
  );
  assert.deepEqual(rows, [
    { kind: 'rotation.imported', rotation_id: rotationId, status: 'in_progress', key: newDekId },
  ]);
  // What becomes of it is recorded after that.
  await pool.query(`select rekey.close_rotation($1, 'cancelled', null, null, now(), null)`, [rotationId]);
  const { rows: after } = await pool.query(
    'select kind from rekey.events where chain = $1 order by sequence',
    [tenantId],
  );
  assert.deepEqual(
    after.map(({ kind }) => kind),
    ['rotation.imported', 'key.destroyed', 'rotation.cancelled'],
  );
  assert.deepEqual((await pool.query('select * from rekey.verify_events()')).rows, []);
});
