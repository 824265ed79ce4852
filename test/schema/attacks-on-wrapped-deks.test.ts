import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { Pool } from 'pg';
import { asRole, type Role } from '../harness/roles.ts';
import { rotationCore } from '../harness/rotation.ts';
import { sqlState } from '../harness/session.ts';

const core = await rotationCore();
const { store, database } = core;
const pools = new Map<Role, Pool>();
const as = (role: Role): Pool => {
  const pool = pools.get(role) ?? new Pool({ connectionString: asRole(database.url, role), max: 1 });
  pool.on('error', () => {}); // the database goes first
  pools.set(role, pool);
  return pool;
};
after(() => Promise.all([...pools.values()].map((pool) => pool.end())));

// One that is out of use, and one in use, both with their material.
const { tenantId } = await core.tenantWith(3);
await core.startAndRotate(tenantId);
const { rows: deks } = await store.query<{ id: string; wrapped: Buffer; kek_id: string }>(
  `select d.id, m.wrapped, m.kek_id from rekey.deks d join rekey.dek_material m on m.dek_id = d.id
   where d.tenant_id = $1 order by d.key_number`,
  [tenantId],
);
const [old] = deks;
assert.equal(deks.length, 2);
const material = async () =>
  (await store.query('select * from rekey.dek_material order by dek_id')).rows.map((row) =>
    JSON.stringify(row),
  );

const newKek = 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/of-an-attack';
const [rewrap, holder] = [randomUUID(), randomUUID()];
await store.query(
  `insert into rekey.rewraps (id, kek_name, kek_id, calls_per_second_max, forced, initiated_by, deks_at_start, deks, owner)
   values ($1, 'next', $2, 100, false, '{}', 2, 2, $3)`,
  [rewrap, newKek, holder],
);
const swap =
  'select rekey.rewrap_deks($1, $2, 3, $3, array[$4::uuid], array[$5::bytea], array[$6::bytea]) as done';

test('who has not got the rewrap replaces no wrapped DEK, and who has none that stood otherwise', async () => {
  const before = await material();
  const other = randomBytes(80);
  const attempts: Array<[string, string, Buffer, unknown]> = [
    [rewrap, randomUUID(), old?.wrapped ?? other, null],
    [randomUUID(), holder, old?.wrapped ?? other, null],
    [rewrap, holder, other, 0],
  ];
  for (const [id, by, stood, done] of attempts) {
    const { rows } = await as('worker').query(swap, [id, by, newKek, old?.id, stood, other]);
    assert.deepEqual(rows, [{ done }]);
  }
  assert.deepEqual(await material(), before);
});

test('a rewrap is not completed while DEKs stand under another KEK', async () => {
  const { rows } = await as('worker').query('select rekey.complete_rewrap($1, $2) as left', [rewrap, holder]);
  assert.deepEqual(rows, [{ left: '2' }]);
  assert.equal(
    await sqlState(
      store.query(`update rekey.rewraps set status = 'completed', completed_at = now() where id = $1`, [
        rewrap,
      ]),
    ),
    'RK002',
  );
});

test('nobody has a key destroyed of which anything is missing, and nobody without the right asks', async () => {
  const before = await material();
  for (const role of ['worker', 'operator'] as const)
    assert.equal(await sqlState(as(role).query('select rekey.destroy_dek($1)', [old?.id])), 'RK003');
  for (const role of ['api', 'application'] as const)
    assert.equal(await sqlState(as(role).query('select rekey.destroy_dek($1)', [old?.id])), '42501');
  for (const role of ['worker', 'application'] as const)
    assert.equal(
      await sqlState(
        as(role).query(`select rekey.schedule_destruction($1, null, '{"id": "ada"}')`, [old?.id]),
      ),
      '42501',
    );
  assert.deepEqual(await material(), before);
});
