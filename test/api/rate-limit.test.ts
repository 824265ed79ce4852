import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { countPerPeriod, readApiConfig } from '@rekey/api';
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
    headers: { ...bearer({ sub: randomUUID() }), 'x-forwarded-for': address },
  });
  const direct = await liveApi({ limits });
  checkError(await direct.send(from('192.0.2.1')), 'ROTATION_NOT_FOUND');
  checkError(await direct.send(from('192.0.2.2')), 'RATE_LIMITED', 'not believed');
  const behindProxy = await liveApi({ limits, trustProxy: ['127.0.0.1'] });
  checkError(await behindProxy.send(from('192.0.2.1')), 'ROTATION_NOT_FOUND');
  checkError(await behindProxy.send(from('192.0.2.2')), 'ROTATION_NOT_FOUND');
  checkError(await behindProxy.send(from('192.0.2.1')), 'RATE_LIMITED');
});

test('what proxies write around an address does not make another one of it', async () => {
  const limits = { writesPerMinute: 0, readsPerMinute: 1 };
  const same: Readonly<Record<string, readonly string[]>> = {
    'a port, another each time': ['198.51.100.9:40000', '198.51.100.9:40001', '198.51.100.9'],
    'IPv6 in brackets with a port': ['[2001:db8:1::1]:443', '[2001:db8:1::1]:444', '2001:db8:1::1'],
    'one /64': ['2001:db8:7::1', '2001:db8:7::2', '2001:DB8:7:0:ffff::', '2001:0db8:0007::9'],
    'IPv4 as IPv6': ['203.0.113.7', '::ffff:203.0.113.7', '::FFFF:cb00:7107', '[::ffff:203.0.113.7]:1'],
    quotes: ['"[2001:db8:2::1]"', '"[2001:db8:2::1]:80"', '2001:db8:2::1'],
    'a zone': ['fe80::1%eth0', 'fe80::1%eth1', 'fe80::1'],
    'made-up hops in front': ['192.0.2.7', '10.9.9.9, 192.0.2.7', '1.1.1.1,2.2.2.2, 192.0.2.7:99'],
    'text that is no address, another each time': [
      'unknown',
      '_hidden',
      'x'.repeat(5_000),
      '203.0.113.300',
      '',
    ],
  };
  const trusts = [['127.0.0.1'], (_address: string, hop: number) => hop < 1];
  for (const trustProxy of trusts) {
    const api = await liveApi({ limits, trustProxy });
    for (const [what, addresses] of Object.entries(same)) {
      const codes: string[] = [];
      for (const address of addresses) {
        const headers = { ...bearer({ sub: randomUUID() }), 'x-forwarded-for': address };
        codes.push((await api.send({ ...status, headers })).json.error.code);
      }
      assert.deepEqual(codes, ['ROTATION_NOT_FOUND', ...addresses.slice(1).map(() => 'RATE_LIMITED')], what);
    }
  }
});

test('a proxy that adds its port is still a proxy, and the address behind it the client', async () => {
  const api = await liveApi({
    limits: { writesPerMinute: 0, readsPerMinute: 1 },
    trustProxy: ['127.0.0.1', '10.0.0.0/8', '2001:db8:ff::/48'],
  });
  const rows: ReadonlyArray<readonly [forwarded: string, code: string]> = [
    ['192.0.2.1, 10.0.0.1:5000', 'ROTATION_NOT_FOUND'],
    ['192.0.2.2, 10.0.0.1:5001', 'ROTATION_NOT_FOUND'],
    ['192.0.2.1:7, [2001:db8:ff::5]:443, ::ffff:10.1.1.1', 'RATE_LIMITED'],
    ['192.0.2.3, junk, 10.0.0.1', 'ROTATION_NOT_FOUND'],
    ['192.0.2.4, junk, 10.0.0.1', 'RATE_LIMITED'],
  ];
  for (const [forwarded, code] of rows) {
    const headers = { ...bearer({ sub: randomUUID() }), 'x-forwarded-for': forwarded };
    assert.equal((await api.send({ ...status, headers })).json.error.code, code, forwarded);
  }
});

test('however many other addresses come, a limited one stays limited, and a new one is not held back', () => {
  const clock = { ms: 0 };
  const count = countPerPeriod(60_000, () => clock.ms);
  for (let call = 0; call < 21; call += 1) count('198.51.100.1');
  for (let other = 0; other < 100_000; other += 1)
    count(`10.${other >> 16}.${(other >> 8) & 255}.${other & 255}`);
  assert.ok(count('198.51.100.1').count > 20);
  const tooHigh = Array.from({ length: 1_000 }, (_, n) => count(`new ${n}`).count).filter(
    (seen) => seen > 10,
  );
  assert.deepEqual(tooHigh, []);
  clock.ms = 59_999;
  assert.ok(count('198.51.100.1').count > 20);
  assert.equal(count('198.51.100.1').leftMs, 1);
  clock.ms = 60_000;
  assert.deepEqual(count('198.51.100.1'), { count: 1, leftMs: 60_000 });
});

test('a caller has one limit from all addresses together, of its own; realms and callers count apart', async () => {
  const api = await liveApi({ limits: { writesPerMinute: 2, readsPerMinute: 3 }, trustProxy: true });
  const from = (sub: string, call: number, roles = ['super_admin']) => ({
    ...bearer({ sub, roles }),
    'x-forwarded-for': `192.0.2.${call}`,
  });
  for (let call = 0; call < 3; call += 1) {
    checkError(await api.send({ ...status, headers: from('ada', call) }), 'ROTATION_NOT_FOUND');
  }
  const refused = await api.send({ ...status, headers: from('ada', 4) });
  checkError(refused, 'RATE_LIMITED');
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  checkError(await api.send({ ...status, headers: from('bob', 5) }), 'ROTATION_NOT_FOUND');
  for (let call = 0; call < 2; call += 1) {
    checkError(
      await api.send(rotateCall(randomUUID(), { headers: from('ada', 10 + call) })),
      'TENANT_NOT_FOUND',
    );
  }
  checkError(await api.send(rotateCall(randomUUID(), { headers: from('ada', 12) })), 'RATE_LIMITED');
  for (let call = 0; call < 3; call += 1) {
    const headers = from('eve', 20 + call, []);
    checkError(await api.send({ ...status, headers }), 'INSUFFICIENT_PERMISSIONS');
  }
  checkError(await api.send({ ...status, headers: from('eve', 30, []) }), 'RATE_LIMITED', 'before its role');
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
