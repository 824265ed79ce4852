import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { startApi } from '../harness/process.ts';
import { testRedis } from '../harness/redis.ts';
import { emptyTenant, jwtSecret, rotateCall, send } from './live-api.ts';

test('the process listens where its one line says, serves a rotate call, and closes cleanly on SIGTERM', async () => {
  const database = await createTestDatabase();
  const redis = testRedis();
  const api = await startApi({
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    JWT_SECRET: jwtSecret,
  });
  assert.match(api.url, /^http:\/\/127\.0\.0\.1:[0-9]+$/);
  const answer = await send(api.url, rotateCall(await emptyTenant(database)));
  assert.equal(answer.status, 200, answer.text);
  const exit = await api.stop();
  assert.deepEqual(exit, { code: 0, signal: null });
});
