import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { readApiConfig } from '@rekey/api';
import { checkError } from './check-error.ts';
import { bearer, jwtSecret, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const status = { path: `${rotationsPath}/rot-${randomUUID()}`, headers: bearer() };

test('past its limit a caller address gets 429 with Retry-After, before its token is looked at', async () => {
  const api = await liveApi({ limits: { writesPerMinute: 3, readsPerMinute: 5 } });
  const bad = rotateCall(randomUUID(), { headers: { authorization: 'x' } });
  for (let call = 0; call < 3; call += 1) checkError(await api.send(bad), 'AUTHENTICATION_FAILED');
  const refused = await api.send(bad);
  checkError(refused, 'RATE_LIMITED');
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds >= 1 && seconds <= 60, String(seconds));
  for (let call = 0; call < 5; call += 1)
    checkError(await api.send(status), 'ROTATION_NOT_FOUND', 'reads count apart');
  checkError(await api.send(status), 'RATE_LIMITED');
  checkError(
    await api.send({ path: `${status.path}/failures`, headers: bearer() }),
    'RATE_LIMITED',
    'all reads together',
  );
  checkError(await api.send({ path: '/nowhere' }), 'NOT_FOUND', '404 before 429');
  checkError(await api.send({ method: 'PUT', path: status.path }), 'METHOD_NOT_ALLOWED', '405 before 429');
  assert.equal((await api.send({ path: '/livez' })).status, 200, 'probes are not limited');
});

test('addresses count apart, and X-Forwarded-For counts only when a proxy is trusted', async () => {
  const limits = { writesPerMinute: 0, readsPerMinute: 1 };
  const from = (address: string) => ({
    ...status,
    headers: { ...status.headers, 'x-forwarded-for': address },
  });
  const direct = await liveApi({ limits });
  checkError(await direct.send(from('192.0.2.1')), 'ROTATION_NOT_FOUND');
  checkError(await direct.send(from('192.0.2.2')), 'RATE_LIMITED', 'not believed');
  const behindProxy = await liveApi({ limits, trustProxy: ['127.0.0.1'] });
  checkError(await behindProxy.send(from('192.0.2.1')), 'ROTATION_NOT_FOUND');
  checkError(await behindProxy.send(from('192.0.2.2')), 'ROTATION_NOT_FOUND');
  checkError(await behindProxy.send(from('192.0.2.1')), 'RATE_LIMITED');
});

test('the default limits admit a burst of hundreds of calls of one caller', async () => {
  const { api: settings } = readApiConfig({
    DATABASE_URL: 'postgres://h/d',
    REDIS_URL: 'redis://h',
    JWT_SECRET: jwtSecret,
  });
  const api = await liveApi({ limits: settings.limits });
  const nobodys = rotateCall(randomUUID());
  const answers = await Promise.all(
    Array.from({ length: 600 }, (_, call) => api.send(call % 2 === 0 ? status : nobodys)),
  );
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [404]);
});
