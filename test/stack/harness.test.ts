import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { createTestDatabase } from '../harness/database.ts';
import { removeKeys, testRedis } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';

test('each test database is migrated, empty and on its own', async (t) => {
  const [one, other] = await Promise.all([createTestDatabase(t), createTestDatabase(t)]);
  await one.pool().query('create table only_here (id int)');
  const { rows } = await other.pool().query(`
    select to_regclass('only_here') as here, (select count(*)::int from rekey.migrations) as migrations`);
  assert.equal(rows[0]?.here, null);
  assert.ok(rows[0]?.migrations > 0);
  await one.drop();
  await one.drop();
});

test('keys of a prefix are removed, those of others stay', async (t) => {
  const mine = testRedis(t);
  const others = testRedis(t);
  assert.notEqual(mine.prefix, others.prefix);
  const redis = new Redis(mine.url);
  t.after(async () => redis.disconnect());
  await redis.mset(`${mine.prefix}:a`, 1, `{${mine.prefix}}:b`, 1, `${others.prefix}:a`, 1);
  await removeKeys(mine.url, mine.prefix);
  assert.equal(await redis.exists(`${mine.prefix}:a`, `{${mine.prefix}}:b`), 0);
  assert.equal(await redis.exists(`${others.prefix}:a`), 1);
});

test('until returns the answer, and in vain says what it waited for', async () => {
  let asked = 0;
  assert.equal(await until(() => (++asked < 3 ? null : asked), { what: 'three' }), 3);
  assert.equal(await until(() => 0, { what: 'zero is an answer' }), 0);
  const never = until(() => false, { what: 'pigs to fly', timeoutMs: 30 });
  await assert.rejects(never, /Waited 30 ms in vain for: pigs to fly\. Last: false/);
});
