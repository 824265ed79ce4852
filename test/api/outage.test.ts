import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { takesUnder, upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';
import { checkError } from './check-error.ts';
import { bearer, emptyTenant, liveApi, rotateCall, rotationsPath } from './live-api.ts';

/** A port on which nobody listens any more. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

test('with Redis away a rotate call still answers 200, and so do status, cancel and readiness', (t) =>
  upToThreeTimes(t, async () => {
    const api = await liveApi({}, { redisUrl: `redis://127.0.0.1:${await deadPort()}` });
    const tenantId = await emptyTenant(api.database);
    const before = performance.now();
    const answer = await api.send(rotateCall(tenantId));
    assert.equal(answer.status, 200, answer.text);
    const id = answer.json.data.rotationId;
    assert.equal((await api.send({ path: `${rotationsPath}/${id}`, headers: bearer() })).status, 200);
    const cancelled = await api.send({
      method: 'POST',
      path: `${rotationsPath}/${id}/cancel`,
      headers: bearer(),
    });
    assert.equal(cancelled.json.data.status, 'cancelled');
    assert.ok(performance.now() - before < 2_000, 'nobody waits for Redis');
    const ready = await api.send({ path: '/readyz' });
    assert.deepEqual(
      [ready.status, ready.json],
      [200, { status: 'ready', checks: { postgres: true, schema: true, redis: false } }],
    );
  }));

test('with Postgres away every call that needs it answers 503 with Retry-After within a second', async (t) => {
  const api = await liveApi(
    {},
    { databaseUrl: `postgres://nobody:hidden@127.0.0.1:${await deadPort()}/none` },
  );
  const id = `rot-${randomUUID()}`;
  for (const call of [
    rotateCall(randomUUID()),
    { path: `${rotationsPath}/${id}`, headers: bearer() },
    { path: `${rotationsPath}/${id}/failures`, headers: bearer() },
    { method: 'POST', path: `${rotationsPath}/${id}/cancel`, headers: bearer() },
  ]) {
    await takesUnder(t, 1_100, async () => {
      const answer = await api.send(call);
      checkError(answer, 'SERVICE_UNAVAILABLE', call.path);
      assert.match(String(answer.headers['retry-after']), /^[1-9][0-9]*$/);
    });
  }
  checkError(
    await api.send(rotateCall(randomUUID(), { headers: { authorization: 'x' } })),
    'AUTHENTICATION_FAILED',
  );
  const ready = await api.send({ path: '/readyz' });
  const { postgres, schema } = ready.json.checks;
  assert.deepEqual([ready.status, ready.json.status, postgres, schema], [503, 'unready', false, false]);
  assert.equal((await api.send({ path: '/livez' })).status, 200);
  assert.doesNotMatch(api.log.join(''), /hidden/, 'no password in the log');
});

test('without its schema the API is alive, unready, and answers 503', async () => {
  const api = await liveApi();
  await api.database.pool().query('drop schema rekey cascade');
  checkError(await api.send(rotateCall(randomUUID())), 'SERVICE_UNAVAILABLE');
  const ready = await until(
    async () => {
      const answer = await api.send({ path: '/readyz' });
      return answer.json.checks.redis === true && answer;
    },
    { what: 'a connection to Redis' },
  );
  assert.deepEqual([ready.status, ready.json.checks], [503, { postgres: true, schema: false, redis: true }]);
});

test('what nobody expected answers 500 with nothing of it inside, and logs no value', async () => {
  const api = await liveApi();
  const tenantId = await emptyTenant(api.database);
  await api.database.pool().query(`
    create function rekey.burst() returns trigger language plpgsql as $$ begin raise exception 'the secret is %', 42; end $$;
    create trigger burst before insert on rekey.rotations for each row execute function rekey.burst()`);
  const answer = await api.send(rotateCall(tenantId));
  checkError(answer, 'INTERNAL_ERROR');
  const logged = api.log.find((line) => line.includes('request failed')) ?? '';
  assert.equal(JSON.parse(logged).requestId, answer.json.requestId);
  assert.equal(JSON.parse(logged).error.code, 'REFUSED');
  assert.doesNotMatch(api.log.join('') + answer.text, /the secret is/);
});

test('the log tells who called, what, and what came of each request, and no header, query or body', async () => {
  const api = await liveApi();
  const tenantId = randomUUID();
  const call = rotateCall(tenantId, {
    path: '/api/v1/admin/dek/rotate?token=in-the-query',
    headers: { 'x-request-id': 'trace-7', 'x-odd': 'in-a-header' },
  });
  await api.send(call);
  const lines = api.log.filter((line) => line.includes('"msg":"request"')).map((line) => JSON.parse(line));
  assert.equal(lines.length, 1);
  const { time: _time, ms, ...line } = lines[0];
  assert.equal(typeof ms, 'number');
  assert.deepEqual(line, {
    level: 'info',
    name: 'api',
    requestId: 'trace-7',
    address: '127.0.0.1',
    realm: 'default',
    subject: 'ada',
    tenantId,
    method: 'POST',
    path: '/api/v1/admin/dek/rotate',
    status: 400,
    outcome: 'refused',
    code: 'INVALID_REQUEST',
    msg: 'request',
  });
  assert.doesNotMatch(api.log.join(''), /in-the-query|in-a-header|eyJ/);
});
