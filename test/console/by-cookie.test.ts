import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { needsFreshLogin, type Route, roles, routes } from '@rekey/api';
import { ownOrigins } from '../../apps/api/src/console/settings.ts';
import { checkError } from '../api/check-error.ts';
import { bearer, type Call, liveApi, token } from '../api/live-api.ts';
import { browserLike } from './browser-like.ts';

const api = await liveApi({ console: { publicUrl: null, login: null } });
const pool = api.database.pool({ max: 1 });
const guarded = routes.filter(({ permission }) => permission === 'by_role');
const listPath = '/console/api/v1/admin/dek/rotations';
// No tenant has it, so that nothing that is let through changes anything.
const tenantId = randomUUID();

function callOf({ method, path, request }: Route, tenant: string): Call {
  return {
    method,
    path: path.replaceAll(/\{\w+\}/g, `rot-${tenant}`),
    headers: { 'x-tenantid': tenant },
    ...(request.body === undefined || request.bodyOptional === true ? {} : { body: { tenantId: tenant } }),
  };
}

test('every operation answers every role, on its own and on another tenant, by cookie as by bearer token', async () => {
  for (const role of [...Object.keys(roles), 'reader']) {
    for (const tenants of ['own', 'installation', 'none'] as const) {
      const tenant = { own: tenantId, installation: '*', none: undefined }[tenants];
      const claims = {
        sub: `${role} ${tenants}`,
        roles: [role],
        ...(tenant === undefined ? {} : { tenantId: tenant }),
      };
      const browser = browserLike(api);
      const signedIn = await browser.signIn(claims);
      if (role === 'reader') {
        checkError(signedIn, 'INSUFFICIENT_PERMISSIONS');
        continue;
      }
      assert.equal(signedIn.status, 200, signedIn.text);
      const { session } = (await browser.send({ path: '/console/session' })).json.data;
      for (const route of guarded) {
        for (const asked of [tenantId, randomUUID()]) {
          const call = callOf(route, asked);
          const byToken = await api.send({ ...call, headers: { ...call.headers, ...bearer(claims) } });
          const byCookie = await browser.send({ ...call, path: `/console${call.path}` });
          const what = `${role} (${tenants}) ${route.operationId}`;
          const came = ({ status, json }: typeof byToken): unknown => [
            status,
            json?.error?.code,
            json?.error?.issues,
          ];
          assert.deepEqual(came(byCookie), came(byToken), what);
          const may = roles[role as keyof typeof roles].may(route);
          assert.equal(session.may.includes(route.operationId), may, what);
          if (!may) assert.equal(byCookie.status, 403, what);
        }
      }
    }
  }
});

test('a cookie counts under /console/api alone, and a bearer token does not count there', async () => {
  const browser = browserLike(api);
  await browser.signIn();
  assert.equal((await browser.send({ path: listPath })).status, 200);
  checkError(await browser.send({ path: '/api/v1/admin/dek/rotations' }), 'AUTHENTICATION_FAILED');
  const withToken = { path: listPath, headers: { ...bearer(), 'sec-fetch-site': 'same-origin' } };
  checkError(await api.send(withToken), 'AUTHENTICATION_FAILED');
});

test('the cookie is a random id that scripts cannot read and other sites do not send, and is kept as a hash', async () => {
  const browser = browserLike(api);
  const answer = await browser.signIn();
  const [cookie = '', ...more] = [answer.headers['set-cookie'] ?? []].flat();
  assert.match(cookie, /^__Host-rekey-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  assert.equal(more.length, 0);
  const { rows } = await pool.query('select s::text as row from rekey.console_sessions s');
  const [, value = '?'] = browser.cookie.split('=');
  for (const { row } of rows) {
    assert.ok(!row.includes(value) && !row.includes(Buffer.from(value).toString('hex')), row);
    assert.doesNotMatch(row, /eyJ/, 'no token');
  }
  assert.doesNotMatch(api.log.join('\n'), new RegExp(`eyJhbGci|${value}`));
  const before = browser.cookie;
  await browser.signIn();
  assert.notEqual(browser.cookie, before, 'a log-in always makes another id');
  checkError(await browser.send({ path: listPath, headers: { cookie: before } }), 'AUTHENTICATION_FAILED');
});

test('what does not come from a page of the console is refused, whatever cookie it brings', async () => {
  const browser = browserLike(api);
  await browser.signIn();
  const { port } = new URL(api.url);
  const cancel = { method: 'POST', path: `${listPath}/rot-${randomUUID()}/cancel` };
  const fine = [
    {},
    { origin: `http://localhost:${port}` },
    { origin: `http://[::1]:${port}` },
    { host: 'elsewhere' },
  ];
  for (const headers of fine)
    checkError(await browser.send({ ...cancel, headers }), 'ROTATION_NOT_FOUND', JSON.stringify(headers));
  const odd = [
    { origin: 'https://elsewhere.example' },
    { origin: 'null' },
    { origin: undefined },
    { origin: `https://localhost:${port}` },
    { origin: `${api.url}.elsewhere.example` },
    { origin: 'http://elsewhere.example', host: 'elsewhere.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': undefined },
  ];
  for (const headers of odd) {
    checkError(await browser.send({ ...cancel, headers }), 'CROSS_SITE_REQUEST', JSON.stringify(headers));
    const paste = { method: 'POST', path: '/console/session', body: { token: token() } };
    checkError(await browser.send({ ...paste, headers }), 'CROSS_SITE_REQUEST', JSON.stringify(headers));
  }
  for (const site of ['cross-site', 'same-site'])
    checkError(
      await browser.send({ path: listPath, headers: { 'sec-fetch-site': site } }),
      'CROSS_SITE_REQUEST',
    );
  assert.equal((await browser.send({ path: listPath })).status, 200, 'nobody was signed out by that');
});

test('an origin is written as browsers write it: without the port that its scheme has', () => {
  assert.ok(ownOrigins(null, () => 80)().has('http://localhost'));
  assert.ok(ownOrigins('https://rekey.example.com', () => 443)().has('https://rekey.example.com'));
});

test('what cannot be taken back needs a log-in at most five minutes old', async () => {
  const fresh = guarded.filter(needsFreshLogin).map(({ operationId }) => operationId);
  for (const name of [
    'scheduleDestruction',
    'approveDestruction',
    'compromiseKey',
    'startRewrap',
    'resumeRewrap',
    'cancelRewrap',
  ])
    assert.ok(fresh.includes(name), name);
  for (const name of ['rotateDek', 'cancelDestruction', 'planRewrap', 'pauseRotation', 'cancelRotation'])
    assert.ok(!fresh.includes(name), name);
  const browser = browserLike(api);
  await browser.signIn({ sub: 'old' });
  const schedule = {
    method: 'POST',
    path: `/console/api/v1/admin/keys/dek-${randomUUID()}/schedule-destruction`,
  };
  checkError(await browser.send(schedule), 'KEY_NOT_FOUND');
  const rotateOf = (more: object): Omit<Call, 'path'> => ({
    method: 'POST',
    headers: { 'x-tenantid': tenantId },
    body: { tenantId, ...more },
  });
  for (const at of ["now() - interval '301 seconds'", 'null']) {
    await pool.query(`update rekey.console_sessions set logged_in_at = ${at} where subject = 'old'`);
    checkError(await browser.send(schedule), 'LOGIN_TOO_OLD', at);
    for (const [more, code] of [
      [{ compromise: true }, 'LOGIN_TOO_OLD'],
      [{ kek: 'other' }, 'LOGIN_TOO_OLD'],
      [{}, 'TENANT_NOT_FOUND'],
    ] as const)
      checkError(
        await browser.send({ ...rotateOf(more), path: '/console/api/v1/admin/dek/rotate' }),
        code,
        at,
      );
    assert.equal((await browser.send({ path: listPath })).status, 200);
  }
});
