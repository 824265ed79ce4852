import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { migrate } from '@rekey/schema';
import { testKek } from '../harness/kek.ts';
import { makeDek, olderDatabase } from './older-database.ts';

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
