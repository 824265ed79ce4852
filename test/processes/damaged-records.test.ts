import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, damage, flipBit, pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue, type SeededTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const rekey = await installation({ databaseUrl: database.url });
const pool = database.pool();

/** The first records of a target. */
function ids({ records }: SeededTenant, target: string): string[] {
  return records.filter((record) => record.target === target).map(({ id }) => id);
}

async function rotated(tenantId: string) {
  const { body } = await rekey.rotate(tenantId);
  const ended = await rekey.ended(body.data.rotationId);
  assert.equal(ended.failureReason, null);
  return ended;
}

/** Everything but `but` opens to its first value and stands under the active DEK. */
async function theRestIsWell(tenant: SeededTenant, but: readonly string[]): Promise<void> {
  const rest = tenant.records.filter(({ id }) => !but.includes(id));
  const expected = rest.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), expected), []);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), but.length);
}

const plainUuid = (id: string | null): string => id?.replace(/^[a-z]+-/, '') ?? '';

test('one flipped bit: the record is set aside, named and untouched, all others are rotated', async () => {
  const tenant = await rekey.seedTenant(85);
  const [bad = ''] = ids(tenant, 'api_keys');
  const damaged = await damage(pool, 'api_keys', bad, flipBit);

  const ended = await rotated(tenant.tenantId);

  assert.equal(ended.status, 'completed_with_failures');
  assert.deepEqual(ended.itemsFailed, { credentials: 0, apiKeys: 1, secrets: 0 });
  assert.deepEqual(ended.itemsRotated, { credentials: 25, apiKeys: 9, secrets: 51 - 1 });
  assert.deepEqual(ended.itemsSuperseded, { credentials: 0, apiKeys: 0, secrets: 0 });
  assert.ok((await bytesOf(pool, 'api_keys', bad)).equals(damaged));
  const failures = await rekey.failures(ended.rotationId);
  assert.deepEqual(
    failures.map(({ itemType, recordId, reason }) => ({ itemType, recordId, reason })),
    [{ itemType: 'apiKeys', recordId: bad, reason: 'AUTHENTICATION_FAILED' }],
  );
  await theRestIsWell(tenant, [bad]);
});

test('while one record refers to it, the old DEK and its material stay, and the database refuses to destroy it', async () => {
  const tenant = await rekey.seedTenant(17);
  const [bad = ''] = ids(tenant, 'secrets');
  await damage(pool, 'secrets', bad, flipBit);
  const old = plainUuid((await rotated(tenant.tenantId)).previousKeyId);

  const kept = await pool.query(
    'select d.state, octet_length(m.wrapped) > 32 as material from rekey.deks d join rekey.dek_material m on m.dek_id = d.id where d.id = $1',
    [old],
  );
  assert.deepEqual(kept.rows, [{ state: 'deactivated', material: true }]);
  const destroy = `update rekey.deks set state = 'destroyed' where id = $1`;
  await assert.rejects(pool.query(destroy, [old]), { code: 'RK003' });
  await assert.rejects(pool.query('delete from rekey.dek_material where dek_id = $1', [old]), {
    code: 'RK003',
  });
  // It was that one record: with it gone the same statement is taken.
  await pool.query('delete from secrets where id = $1', [bad]);
  assert.equal((await pool.query(destroy, [old])).rowCount, 1);
});

test('a truncated ciphertext is set aside', async () => {
  const tenant = await rekey.seedTenant(17);
  const [cut = '', stump = ''] = ids(tenant, 'credentials');
  await damage(pool, 'credentials', cut, (ciphertext) => ciphertext.subarray(0, -1));
  await damage(pool, 'credentials', stump, (ciphertext) => ciphertext.subarray(0, 9));
  const ended = await rotated(tenant.tenantId);
  assert.deepEqual(ended.itemsFailed, { credentials: 2, apiKeys: 0, secrets: 0 });
  const reasons = new Map(
    (await rekey.failures(ended.rotationId)).map(({ recordId, reason }) => [recordId, reason]),
  );
  assert.deepEqual([reasons.get(cut), reasons.get(stump)], ['AUTHENTICATION_FAILED', 'MALFORMED']);
  await theRestIsWell(tenant, [cut, stump]);
});

test('two ciphertexts swapped between records, headers intact: both are set aside, neither under the other', async () => {
  const tenant = await rekey.seedTenant(17);
  const [one = '', other = ''] = ids(tenant, 'secrets');
  const [a, b] = [await bytesOf(pool, 'secrets', one), await bytesOf(pool, 'secrets', other)];
  await damage(pool, 'secrets', one, () => b);
  await damage(pool, 'secrets', other, () => a);
  const ended = await rotated(tenant.tenantId);
  assert.deepEqual(ended.itemsFailed, { credentials: 0, apiKeys: 0, secrets: 2 });
  assert.ok((await bytesOf(pool, 'secrets', one)).equals(b));
  await theRestIsWell(tenant, [one, other]);
});

test('a record that names a DEK which does not exist is set aside', async () => {
  const tenant = await rekey.seedTenant(17);
  const [stray = ''] = ids(tenant, 'secrets');
  await damage(pool, 'secrets', stray, (ciphertext) => {
    const renumbered = Buffer.from(ciphertext);
    renumbered.writeUInt32BE(7_777, 1);
    return renumbered;
  });
  const ended = await rotated(tenant.tenantId);
  assert.equal(ended.status, 'completed_with_failures');
  const failures = await rekey.failures(ended.rotationId);
  assert.deepEqual(
    failures.map(({ recordId, reason }) => ({ recordId, reason })),
    [{ recordId: stray, reason: 'KEY_UNKNOWN' }],
  );
  await theRestIsWell(tenant, [stray]);
});

test('what one rotation set aside, the next one rotates once it is well again', async () => {
  const tenant = await rekey.seedTenant(17);
  const [bad = ''] = ids(tenant, 'credentials');
  const good = await bytesOf(pool, 'credentials', bad);
  await damage(pool, 'credentials', bad, flipBit);
  assert.equal((await rotated(tenant.tenantId)).status, 'completed_with_failures');
  await damage(pool, 'credentials', bad, () => good);
  const again = await rotated(tenant.tenantId);
  assert.equal(again.status, 'completed');
  assert.equal(again.itemsRotated.credentials, 5);
  await theRestIsWell(tenant, []);
});

for (const [what, heal] of [
  [
    'overwrites',
    (tenantId: string, id: string) =>
      rekey.vault.put({ target: 'secrets', tenantId, id, value: firstValue(id) }),
  ],
  ['deletes', (_tenantId: string, id: string) => pool.query('delete from secrets where id = $1', [id])],
] as const) {
  test(`a set-aside record that the application ${what} before its part is proved is superseded, not failed`, async () => {
    const tenant = await rekey.seedTenant(17);
    const [bad = '', held = ''] = ids(tenant, 'secrets');
    await damage(pool, 'secrets', bad, flipBit);
    const application = await pool.connect();
    await application.query('begin');
    await application.query('select from secrets where id = $1 for update', [held]); // so it cannot be proved
    const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
    await until(async () => (await rekey.status(rotationId)).body.data.itemsFailed.secrets === 1, {
      what: 'the record is set aside',
    });
    await heal(tenant.tenantId, bad);
    await application.query('commit');
    application.release();

    const ended = await rekey.ended(rotationId);
    assert.equal(ended.status, 'completed');
    assert.equal(ended.itemsFailed.secrets, 0);
    assert.equal(ended.itemsSuperseded.secrets, 1);
    assert.equal(ended.itemsRotated.secrets, 9);
    assert.deepEqual(await rekey.failures(rotationId), []);
    assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  });
}

test('damaged material of an older DEK keeps back its own records and nobody else’s', async () => {
  const tenant = await rekey.seedTenant(17);
  const [bad = ''] = ids(tenant, 'secrets');
  const good = await bytesOf(pool, 'secrets', bad);
  await damage(pool, 'secrets', bad, flipBit);
  const first = await rotated(tenant.tenantId);
  // The record is well again, but its DEK, number 1, is not the previous one of the next rotation, and is damaged.
  await damage(pool, 'secrets', bad, () => good);
  // Its last byte: other ones would say that it was wrapped under another KEK, which ends a rotation.
  const flipLastBit =
    'set_byte(wrapped, octet_length(wrapped) - 1, get_byte(wrapped, octet_length(wrapped) - 1) # 1)';
  await pastTheTriggers(pool, (tx) =>
    tx.query(`update rekey.dek_material set wrapped = ${flipLastBit} where dek_id = $1`, [
      plainUuid(first.previousKeyId),
    ]),
  );
  await rekey.addWorker(); // one that has the DEK at hand from before would not notice
  const [warm] = rekey.workers;
  await warm?.stop();
  const ended = await rotated(tenant.tenantId);
  assert.equal(ended.status, 'completed_with_failures');
  const failures = await rekey.failures(ended.rotationId);
  assert.deepEqual(
    failures.map(({ recordId, reason }) => ({ recordId, reason })),
    [{ recordId: bad, reason: 'KEY_UNUSABLE' }],
  );
});
