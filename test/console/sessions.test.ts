import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkError } from '../api/check-error.ts';
import { liveApi, token } from '../api/live-api.ts';
import { browserLike } from './browser-like.ts';

const api = await liveApi({ console: { publicUrl: null, login: null } });
const pool = api.database.pool({ max: 1 });
const listPath = '/console/api/v1/admin/dek/rotations';

test('a session ends by signing out, with its token, and after half an hour that nobody used it', async () => {
  const browser = browserLike(api);
  const refused = async (why: string): Promise<void> =>
    checkError(await browser.send({ path: listPath }), 'AUTHENTICATION_FAILED', why);
  const signInAs = async (sub: string, more: { exp?: number } = {}): Promise<void> => {
    assert.equal((await browser.signIn({ sub, ...more })).status, 200);
    assert.equal((await browser.send({ path: listPath })).status, 200);
  };
  const change = (column: string, ago: string, sub: string): Promise<unknown> =>
    pool.query(`update rekey.console_sessions set ${column} = now() - $1::interval where subject = $2`, [
      ago,
      sub,
    ]);

  await signInAs('out');
  const kept = browser.cookie;
  await browser.send({ method: 'DELETE', path: '/console/session' });
  assert.equal(browser.cookie, '');
  browser.cookie = kept;
  await refused('signed out');

  const exp = Math.floor(Date.now() / 1_000) + 4;
  await signInAs('token', { exp });
  const { session } = (await browser.send({ path: '/console/session' })).json.data;
  assert.equal(Date.parse(session.expiresAt), exp * 1_000, 'as its token says');
  // What the clock of Postgres says counts: it is this machine's.
  while (Date.now() < exp * 1_000 + 100) await new Promise((resolve) => setTimeout(resolve, 50));
  await refused('the token has expired');

  await signInAs('idle');
  await change('used_at', '29 minutes', 'idle');
  const background = { path: listPath, headers: { 'x-rekey-background': '1' } };
  assert.equal((await browser.send(background)).status, 200);
  const idleFor = async (): Promise<number> =>
    (
      await pool.query(
        `select extract(epoch from now() - used_at)::int as s from rekey.console_sessions where subject = 'idle'`,
      )
    ).rows[0].s;
  assert.ok((await idleFor()) > 1_000, 'a page that refreshes itself is no use');
  assert.equal((await browser.send({ path: listPath })).status, 200);
  assert.ok((await idleFor()) < 1_000, 'a click is');
  await change('used_at', '30 minutes', 'idle');
  await refused('idle');

  // A year; in milliseconds, as some issuers have it by mistake; later than any date.
  for (const exp of [Math.floor(Date.now() / 1_000) + 86_400 * 365, Date.now() * 10, Number.MAX_VALUE]) {
    assert.equal((await browser.signIn({ sub: 'long', exp })).status, 200, String(exp));
    const { expiresAt } = (await browser.send({ path: '/console/session' })).json.data.session;
    assert.ok(Date.parse(expiresAt) < Date.now() + 12 * 3_600_000 + 60_000, 'twelve hours at the most');
  }
  for (const cookie of ['', 'x', `${'A'.repeat(43)}`, '../..'])
    checkError(
      await browser.send({ path: listPath, headers: { cookie: `__Host-rekey-session=${cookie}` } }),
      'AUTHENTICATION_FAILED',
    );
  const twice = `${browser.cookie}; __Host-rekey-session=${'A'.repeat(43)}`;
  checkError(await browser.send({ path: listPath, headers: { cookie: twice } }), 'AUTHENTICATION_FAILED');
});

test('a token that the API refuses opens no session', async () => {
  const browser = browserLike(api);
  for (const claims of [{ exp: 1 }, { sub: undefined }, { exp: undefined }])
    checkError(await browser.signIn(claims), 'AUTHENTICATION_FAILED', JSON.stringify(claims));
  const paste = { method: 'POST', path: '/console/session' };
  for (const body of [
    { token: 'x' },
    { token: token({}, 'another secret of thirty-two bytes') },
    { token: token(), realm: 'nobody' },
  ])
    checkError(await browser.send({ ...paste, body }), 'AUTHENTICATION_FAILED');
  for (const body of [{}, { token: 5 }, { token: token(), more: 1 }, []])
    checkError(await browser.send({ ...paste, body }), 'INVALID_REQUEST');
  for (const headers of [
    { 'content-type': 'text/plain' },
    { 'content-type': ['application/json', 'text/plain'] },
    { 'content-encoding': 'gzip' },
  ])
    checkError(await browser.send({ ...paste, body: { token: token() }, headers }), 'UNSUPPORTED_MEDIA_TYPE');
  assert.equal(browser.cookie, '');
  checkError(await browser.signIn({ sub: 'rita', roles: ['reader'] }), 'INSUFFICIENT_PERMISSIONS');
  const last = api.log
    .map((line) => JSON.parse(line))
    .findLast(({ msg, message }) => (msg ?? message) === 'request');
  assert.equal(last?.subject, 'rita', 'the log names who was refused');
  await api.accesses.close();
  const { rows } = await pool.query(
    `select actor ->> 'id' as who, (payload ->> 'outcome')::int as outcome, sum((payload ->> 'count')::int)::int as count
     from rekey.events where payload ->> 'operation' = 'signIn' and actor ->> 'id' in ('rita', 'unknown') group by 1, 2 order by 1, 2`,
  );
  assert.deepEqual(rows, [
    { who: 'rita', outcome: 403, count: 1 },
    { who: 'unknown', outcome: 401, count: 6 },
  ]);
});
