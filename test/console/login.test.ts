import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownPath } from '../../apps/api/src/console/own-path.ts';
import { checkError } from '../api/check-error.ts';
import { type Answer, hs256, liveApi } from '../api/live-api.ts';
import { client, loginIssuer } from './login-issuer.ts';

const publicUrl = 'https://rekey.example.com';
const idp = await loginIssuer();
const api = await liveApi({
  auth: {
    kind: 'oidc',
    defaultRealm: 'default',
    claimPaths: hs256.claimPaths,
    issuers: new Map([['default', idp.issuer]]),
    audience: 'rekey',
  },
  console: { publicUrl, login: client },
});

const pool = api.database.pool({ max: 1 });

const cookiesOf = ({ headers }: Answer): Map<string, string> =>
  new Map(
    [headers['set-cookie'] ?? []].flat().map((line) => {
      const [pair = ''] = line.split(';');
      return [pair.slice(0, pair.indexOf('=')), line];
    }),
  );
const pairOf = (line = ''): string => line.split(';')[0] ?? '';

/** As far as the provider has sent the browser back; nothing has been asked with what it brings. */
async function begin(query = ''): Promise<{ cookie: string; line: string; back: string }> {
  const started = await api.send({
    path: `/console/login${query}`,
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  assert.equal(started.status, 303);
  const line = cookiesOf(started).get('__Host-rekey-login') ?? '';
  const there = await fetch(String(started.headers.location), { redirect: 'manual' });
  const { origin, pathname, search } = new URL(there.headers.get('location') ?? '');
  assert.equal(origin, publicUrl, 'the address comes from the configuration');
  return { cookie: pairOf(line), line, back: pathname + search };
}
const comeBack = ({ cookie, back }: { cookie: string; back: string }): Promise<Answer> =>
  api.send({ path: back, headers: { cookie, host: 'elsewhere.example', 'sec-fetch-site': 'cross-site' } });
function refused(answer: Answer, problem: string): void {
  assert.deepEqual([answer.status, answer.headers.location], [303, `/console/sign-in?problem=${problem}`]);
  assert.ok(!cookiesOf(answer).has('__Host-rekey-session'));
}

test('who comes back from the identity provider is signed in, where they wanted to be', async () => {
  const begun = await begin('?returnTo=/console/rotations/rot-1?tab=story');
  assert.match(begun.line, /; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=300$/);
  const asked = idp.asked.at(-1);
  assert.equal(asked?.get('code_challenge_method'), 'S256');
  assert.ok(asked?.get('state') && asked.get('nonce'));
  const answer = await comeBack(begun);
  assert.deepEqual([answer.status, answer.headers.location], [303, '/console/rotations/rot-1?tab=story']);
  const cookies = cookiesOf(answer);
  assert.match(cookies.get('__Host-rekey-login') ?? '', /Max-Age=0$/);
  const cookie = pairOf(cookies.get('__Host-rekey-session'));
  const { json } = await api.send({ path: '/console/session', headers: { cookie } });
  assert.deepEqual(json.data.ways, ['login', 'token']);
  assert.equal(json.data.session.caller.name, 'Ada Example');
  assert.equal(json.data.session.loggedInAt, null, 'the provider did not say when');
  const path = '/console/api/v1/admin/dek/rotations';
  assert.equal((await api.send({ path, headers: { cookie } })).status, 200);
  // The configured origin, and no address by which we can be reached as well.
  const post = { method: 'POST', path: `${path}/rot-1/cancel` };
  const from = (origin: string) => ({ headers: { cookie, origin, 'sec-fetch-site': 'same-origin' } });
  checkError(await api.send({ ...post, ...from(publicUrl) }), 'ROTATION_NOT_FOUND');
  checkError(await api.send({ ...post, ...from(api.url) }), 'CROSS_SITE_REQUEST');
});

test('a log-in is good once, in the browser that began it, within five minutes, and with its own answers', async () => {
  const begun = await begin();
  refused(await comeBack({ ...begun, cookie: '' }), 'expired');
  const other = await begin();
  refused(await comeBack({ cookie: other.cookie, back: begun.back }), 'refused');
  refused(await comeBack({ ...other, back: other.back.replace(/state=[^&]*/, 'state=x') }), 'refused');
  assert.equal((await comeBack(begun)).headers.location, '/console');
  refused(await comeBack(begun), 'refused');

  const late = await begin();
  const [name = '', value = ''] = late.cookie.split('=');
  const kept = JSON.parse(Buffer.from(value, 'base64url').toString());
  const with_ = (changes: object): string =>
    `${name}=${Buffer.from(JSON.stringify({ ...kept, ...changes })).toString('base64url')}`;
  refused(await comeBack({ ...late, cookie: with_({ untilMs: Date.now() - 1 }) }), 'expired');
  refused(await comeBack({ ...late, cookie: with_({ verifier: 'x'.repeat(43) }) }), 'refused');
  const nonce = await begin();
  idp.lies.id = { nonce: 'of another log-in' };
  refused(await comeBack(nonce), 'refused');
  idp.lies.id = { sub: 'eve' };
  refused(await comeBack(await begin()), 'refused');
  idp.lies.id = {};
  for (const access of [{ aud: 'another service' }, { iss: 'https://elsewhere.example' }]) {
    idp.lies.access = access;
    refused(await comeBack(await begin()), 'refused');
  }
  idp.lies.access = { roles: ['reader'] };
  refused(await comeBack(await begin()), 'not_admitted');
  idp.lies.access = {};
});

test('a log-in ends the session of before when it begins: the browser brings no strict cookie back', async () => {
  const answer = await comeBack(await begin());
  const cookie = pairOf(cookiesOf(answer).get('__Host-rekey-session'));
  const stands = async (): Promise<boolean> =>
    (await api.send({ path: '/console/session', headers: { cookie } })).json.data.session !== null;
  const goTo = (site: string): Promise<Answer> =>
    api.send({ path: '/console/login', headers: { cookie, 'sec-fetch-site': site } });
  await goTo('cross-site');
  assert.ok(await stands(), 'nobody elsewhere signs anybody out');
  const begun = await goTo('same-origin');
  assert.match(cookiesOf(begun).get('__Host-rekey-session') ?? '', /^__Host-rekey-session=;.*Max-Age=0$/);
  assert.ok(!(await stands()));
});

test('who is refused on the way back is recorded and logged, with a name where there is one', async () => {
  const recorded = async (): Promise<string[]> => {
    await api.accesses.close();
    const { rows } = await pool.query<{ told: string }>(
      `select concat_ws(' ', kind, actor ->> 'id', payload ->> 'outcome', payload ->> 'count') as told
       from rekey.events where payload ->> 'operation' = 'signIn' order by sequence`,
    );
    return rows.map(({ told }) => told);
  };
  const before = (await recorded()).length;
  const lines = api.log.length;
  await comeBack({ cookie: '', back: '/console/login/callback?code=x&state=y' });
  idp.lies.access = { sub: 'rita', roles: ['reader'] };
  idp.lies.id = { sub: 'rita' };
  refused(await comeBack(await begin()), 'not_admitted');
  idp.lies.id = {};
  refused(await comeBack(await begin()), 'refused');
  idp.lies.access = {};
  await comeBack(await begin());
  assert.deepEqual((await recorded()).slice(before).sort(), [
    'access.refused rita 401 1',
    'access.refused rita 403 1',
    'access.refused unknown 401 1',
  ]);
  const told = api.log
    .slice(lines)
    .map((line) => JSON.parse(line))
    .filter(({ path }) => path === '/console/login/callback');
  assert.deepEqual(
    told.map(({ subject, code, outcome }) => [subject, code, outcome]),
    [
      [undefined, 'AUTHENTICATION_FAILED', 'refused'],
      ['rita', 'INSUFFICIENT_PERMISSIONS', 'refused'],
      ['rita', 'AUTHENTICATION_FAILED', 'refused'],
      ['ada', undefined, 'done'],
    ],
  );
});

test('a fresh log-in asks for the password again, and says when it was given', async () => {
  const answer = await comeBack(await begin('?fresh=1'));
  assert.deepEqual(
    ['prompt', 'max_age'].map((name) => idp.asked.at(-1)?.get(name)),
    ['login', '300'],
  );
  const cookie = pairOf(cookiesOf(answer).get('__Host-rekey-session'));
  const { json } = await api.send({ path: '/console/session', headers: { cookie } });
  assert.ok(Math.abs(Date.parse(json.data.session.loggedInAt) - Date.now()) < 120_000);
  idp.lies.id = { auth_time: Math.floor(Date.now() / 1_000) - 3_600 };
  refused(await comeBack(await begin('?fresh=1')), 'refused');
  idp.lies.id = {};
});

test('nobody is sent anywhere but to a page of the console', async () => {
  for (const path of [
    '/console',
    '/console/keys/dek-1?tab=a',
    '/console/audit?from=2026-01-01T00:00:00.000Z&x=%20',
  ])
    assert.equal(ownPath(path), path);
  for (const path of [
    '//elsewhere.example',
    '/console//elsewhere.example',
    '/console/../api',
    '/\\elsewhere',
    'https://elsewhere.example',
    '/consoles',
    '/console\n',
    '/console/login',
    '/console/sign-in?problem=x',
    '/console?x=//y',
    '/console@elsewhere',
    5,
    undefined,
    `/console/${'x'.repeat(2_000)}`,
  ])
    assert.equal(ownPath(path), '/console', String(path));
  const elsewhere = await api.send({ path: '/console/login', headers: { 'sec-fetch-site': 'cross-site' } });
  assert.equal(elsewhere.headers.location, '/console/sign-in');
  refused(await api.send({ path: '/console/login?realm=nobody' }), 'not_admitted');
});
