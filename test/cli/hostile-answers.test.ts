import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { call } from './call.ts';
import { callHere } from './in-process.ts';

/** Clears the screen, sets the title, C1 sequences, turned text, new lines, a key that a terminal types. */
const nasty =
  'a\x1b[2J\x1b]0;title\x07b\x9b31mc\u202Eresrever\u2066\u200Fd\ne\rf\tg\x00\x7f\u2028h\u{E0041}i\u00ADj\u2062k\u3164l\u{E0100}\ud800';
/** What must not come: a line feed ends our own lines. */
const obeyed =
  /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\u{AD}\u{200B}\u{2062}\u{3164}\u{FEFF}\u{E0000}-\u{E01EF}]/u;

const counts = { credentials: 0, apiKeys: 0, secrets: 1 };
const rotation = {
  rotationId: `rot-${nasty}`,
  tenantId: `3fa85f64-${nasty}`,
  retryOf: nasty,
  status: 'completed_with_failures',
  phase: 'done',
  previousKeyId: nasty,
  newKeyId: nasty,
  startedAt: nasty,
  switchedAt: nasty,
  drainedAt: nasty,
  completedAt: nasty as string | null,
  estimatedCompletion: nasty,
  estimatedRange: { earliest: nasty, latest: nasty },
  itemsToRotate: counts,
  itemsRotated: counts,
  itemsSuperseded: counts,
  itemsFailed: counts,
  itemsRemaining: counts,
  targets: [],
  percentComplete: 100,
  itemsPerSecond: 1,
  itemsPerSecondMax: null,
  compromise: false,
  supersededBy: null,
  waitingFor: 'lock',
  waitingDetail: {
    what: nasty,
    since: nasty,
    todo: nasty,
    holders: [{ pid: 1, gid: nasty, applicationName: nasty, since: nasty, sinceIsExact: true }],
  },
  failureReason: nasty,
  initiatedBy: { id: nasty, name: nasty, email: nasty },
  throttledBy: null,
};
const failures = [{ itemType: 'secrets', target: nasty, recordId: nasty, reason: nasty, at: nasty }];

/** What an answer is sent in, each in a packet of its own. */
let pieces: readonly string[] | null = null;
let answer: { status: number; body: unknown; type?: string; retryAfter?: string } | null = null;
const server = createServer(async ({ url = '' }, response) => {
  if (pieces !== null) {
    response.writeHead(200, { 'content-type': 'text/csv' });
    for (const piece of pieces) await new Promise<unknown>((resolve) => response.write(piece, resolve));
    response.end();
    return;
  }
  const lists = url.includes('/failures')
    ? { failures, nextCursor: null }
    : /rotations(\?|$)/.test(url)
      ? { rotations: [rotation], nextCursor: null }
      : rotation;
  const {
    status,
    body,
    type = 'application/json',
    retryAfter,
  } = answer ?? { status: 200, body: { success: true, data: lists } };
  const headers = {
    'content-type': type,
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  };
  response.writeHead(status, headers);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => server.close());
const address = server.address();
assert.ok(typeof address === 'object' && address !== null);
const env = { REKEY_URL: `http://127.0.0.1:${address.port}`, REKEY_TOKEN: 'abc' };

test('nothing that a terminal would obey gets through, whatever is shown', async () => {
  answer = null;
  for (const [args, code] of [
    [['status', 'rot-1'], 0],
    [['wait', 'rot-1'], 6],
    [['explain', 'rot-1'], 0],
    [['failures', 'rot-1'], 0],
    [['list'], 0],
    [['pause', 'rot-1'], 0],
    [['retry', 'rot-1'], 0],
    [['cancel', 'rot-1', '--yes'], 0],
    [['rotate', '--tenant', 'x', '--watch'], 1],
    [['cancel', 'rot-1'], 2],
    [[nasty.replaceAll('\x00', '')], 2],
    [['status', 'rot-1', `--${nasty.replaceAll('\x00', '')}`], 2],
  ] as const) {
    const said = await call(env, ...args);
    assert.equal(said.code, code, said.err);
    assert.ok(said.out.length + said.err.length > 0);
    // A tab parts our own cells: as many in each line as in the heading.
    assert.doesNotMatch(said.out.replaceAll('\t', ''), obeyed, `stdout of ${args[0]}`);
    const tabs = said.out.split('\n').map((line) => line.split('\t').length);
    assert.ok(
      tabs.slice(0, -1).every((cells) => cells === tabs[0]),
      `cells of ${args[0]}`,
    );
    assert.doesNotMatch(said.err, obeyed, `stderr of ${args[0]}`);
  }
});

test('JSON shows it as safely, and loses nothing', async () => {
  answer = null;
  for (const args of [
    ['status', 'rot-1'],
    ['wait', 'rot-1'],
  ]) {
    const { out } = await call(env, ...args, '--json');
    assert.doesNotMatch(out, obeyed);
    assert.deepEqual(JSON.parse(out), rotation);
  }
});

test('wait exits as the rotation ended', async () => {
  for (const [status, code] of [
    ['completed', 0],
    ['failed', 1],
    ['completed_with_failures', 6],
    ['cancelled', 7],
    ['of_a_newer_version', 1],
  ] as const) {
    answer = { status: 200, body: { success: true, data: { ...rotation, status } } };
    assert.equal((await call(env, 'wait', 'rot-1')).code, code, status);
  }
});

test('errors of a server are cleaned, and have their exit codes', async () => {
  const error = (code: string) => ({ success: false, error: { code, detail: nasty, rotationId: nasty } });
  for (const [status, body, code] of [
    [500, error('INTERNAL_ERROR'), 1],
    [400, error('INVALID_REQUEST'), 2],
    [409, error('ROTATION_IN_PROGRESS'), 3],
    [404, error('ROTATION_NOT_FOUND'), 4],
    [418, error(nasty), 5],
    [200, '<html>a proxy</html>', 5],
    [403, error('INSUFFICIENT_PERMISSIONS'), 8],
  ] as const) {
    answer = { status, body };
    for (const more of [[], ['--json']]) {
      const said = await call(env, 'status', 'rot-1', ...more);
      assert.equal(said.code, code, said.err);
      assert.doesNotMatch(said.err, obeyed);
    }
  }
});

test('a certificate is not printed if it is none', async () => {
  for (const [type, expected] of [
    ['application/vnd.dsse+json', 1],
    ['text/html', 5],
  ] as const) {
    answer = { status: 200, body: nasty, type };
    const { code, out } = await callHere(env, 'certificate', 'get', 'rot-1');
    assert.deepEqual([code, out], [expected, ''], type);
  }
});

test('what is no API of ours is said to be none, with where to look', async () => {
  const elsewhere = /^Where the API is, says --url or REKEY_URL\./m;
  const error = (code: string) => ({ success: false, error: { code } });
  for (const [body, status, code, says, type] of [
    [{ hello: 1 }, 200, 5, /^rekey: No API of Rekey answered 200,/],
    ['<title>Log in</title>', 200, 5, /answered 200, .*text\/html$/m, 'text/html'],
    ['<h1>Bad Gateway</h1>', 502, 5, /answered 502, .*text\/html$/m, 'text/html'],
    ['', 302, 5, /answered 302, a redirect, which is not followed$/m],
    [error('NOT_FOUND'), 404, 4, /^rekey: Not found/],
  ] as const) {
    answer = { status, body, type: type ?? 'application/json' };
    // Who waits is patient with a proxy whose API restarts.
    const waiting = status === 502 ? [] : [['wait', 'rot-1']];
    for (const args of [['status', 'rot-1'], ['list'], ...waiting]) {
      const said = await callHere(env, ...args);
      assert.deepEqual([said.code, said.out], [code, ''], said.err);
      assert.match(said.err, says);
      assert.match(said.err, elsewhere);
      const { error: told, exitCode } = JSON.parse((await callHere(env, ...args, '--json')).err);
      assert.ok(exitCode === code && /^[A-Z_]+$/.test(told.code), JSON.stringify(told));
    }
  }
});

test('an answer of another version is said to be one, in place of a stack', async () => {
  answer = { status: 200, body: { success: true, data: {} } };
  const { code, err } = await callHere(env, 'list');
  assert.deepEqual(
    [code, /^rekey: This is a fault of rekey, or the API is of another version: /.test(err)],
    [1, true],
  );
});

test('when it can be tried again is said', async () => {
  answer = { status: 429, body: { success: false, error: { code: 'RATE_LIMITED' } }, retryAfter: '300' };
  const plain = await callHere(env, 'status', 'rot-1');
  assert.deepEqual([plain.code, /^It can be tried again in 300 s\.$/m.test(plain.err)], [5, true]);
  const json = await callHere(env, 'status', 'rot-1', '--json');
  assert.equal(JSON.parse(json.err).error.retryAfterSeconds, 300);
});

test('public keys are shown as safely', async () => {
  const keys = [{ kid: nasty.replace('\ud800', '') }];
  answer = { status: 200, body: { keys } };
  const { code, out } = await call(env, 'certificate', 'keys');
  assert.doesNotMatch(out, obeyed);
  assert.deepEqual([code, JSON.parse(out)], [0, { keys }]);
});

test('an export is whole wherever the network cuts it, and cut off where its end is missing', async () => {
  const [first, last] = ['chain,line\r\n', ',"{""end"":true,""events"":0}"\r\n'] as const;
  const whole = first + last;
  for (const [parts, expected] of [
    [[first.slice(0, -1), '\n', last], 0],
    [[...whole], 0],
    [[whole.slice(0, -1)], 5],
    [[first], 5],
    [[`${first}a\rb`], 1],
    [[first.slice(0, -1), 'b'], 1],
  ] as const) {
    pieces = parts;
    const { code, out } = await callHere(env, 'audit', 'export', '--form', 'csv');
    assert.equal(code, expected, JSON.stringify(parts));
    if (code === 0) assert.equal(out, whole);
  }
  pieces = null;
});

test('what cannot be verified at all is one JSON document too', async () => {
  for (const words of ['certificate verify /nowhere --jwks /nowhere', 'audit verify /nowhere']) {
    const { code, err } = await callHere({}, ...words.split(' '), '--json');
    assert.deepEqual([code, JSON.parse(err).error.code], [2, 'USAGE'], words);
  }
});
