import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type Client, ClientError, createClient } from '@rekey/client';
import {
  behind,
  codeOf,
  good,
  hangUp,
  json,
  page,
  type Reply,
  refusal,
  rotationId,
  silence,
  start,
} from './replies.ts';

test('what only reads comes again after anything that may pass', async () => {
  const { client, heard, tokens } = await behind([hangUp, page, refusal('SERVICE_UNAVAILABLE', '0')]);
  const { data } = await client.getRotation({ path: { rotationId } });
  assert.equal(data.rotationId, rotationId, 'and a field that is not known is let be');
  assert.equal(heard.length, 4);
  assert.equal(tokens(), 4, 'a token is asked for anew');
});

test('a call that starts something comes again only under its key, and under the same one', async () => {
  const trouble = [hangUp, refusal('SERVICE_UNAVAILABLE', '0'), page];
  for (const one of trouble) {
    const { client, heard } = await behind([one]);
    assert.notEqual(await codeOf(start(client)), 'success');
    assert.notEqual(
      await codeOf(behind([one]).then((b) => b.client.cancelRotation({ path: { rotationId } }))),
      'success',
    );
    assert.equal(heard.length, 1, 'it may have been done');
  }
  const { client, heard } = await behind(trouble);
  await client.rotate('t');
  assert.equal(heard.length, 4);
  const keys = new Set(heard.map(({ headers }) => headers['idempotency-key']));
  assert.equal(keys.size, 1);
  assert.ok(![...keys].includes(undefined));
});

test('a limit is waited for as long as it says, even without a key: nothing was done', async () => {
  const { client, heard } = await behind([refusal('RATE_LIMITED', '1')]);
  const begun = performance.now();
  await start(client);
  assert.ok(performance.now() - begun >= 1_000);
  assert.equal(heard.length, 2);
});

test('a wait that would end too late is not begun; a date counts like seconds', async () => {
  for (const later of ['3600', new Date(Date.now() + 3_600_000).toUTCString()]) {
    const { client, heard } = await behind([refusal('ROTATION_TOO_SOON', later)]);
    const begun = performance.now();
    const error = await client.rotate('t').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ClientError);
    assert.equal(error.code, 'ROTATION_TOO_SOON');
    assert.ok(Math.abs((error.retryAfterSeconds ?? 0) - 3_600) <= 2);
    assert.ok(performance.now() - begun < 60_000);
    assert.equal(heard.length, 1);
  }
});

test('what will not pass is not tried again, and the attempts have an end', async () => {
  for (const code of [
    'INTERNAL_ERROR',
    'AUTHENTICATION_FAILED',
    'ROTATION_NOT_FOUND',
    'NOT_ACCEPTABLE',
  ] as const) {
    const { client, heard } = await behind([refusal(code)]);
    assert.equal(await codeOf(client.getRotation({ path: { rotationId } })), code);
    assert.equal(heard.length, 1, code);
  }
  const { client, heard } = await behind([hangUp, hangUp, hangUp, hangUp, hangUp], { attempts: 3 });
  assert.equal(await codeOf(client.getRotation({ path: { rotationId } })), 'NO_ANSWER');
  assert.equal(heard.length, 3);
});

test('who makes tokens may fail once, has the time of an attempt, and is told of', async () => {
  const { url, heard } = await behind([]);
  let asked = 0;
  const token = (): string => {
    asked += 1;
    if (asked === 1) throw new Error('the issuer is away');
    return 'abc';
  };
  const retry = { attempts: 2, withinMs: 10_000 };
  await createClient({ url, token, retry }).getRotation({ path: { rotationId } });
  assert.deepEqual([asked, heard.length], [2, 1]);
  const once = { attempts: 1, withinMs: 0 };
  const away = createClient({ url, token: () => Promise.reject(new Error('away')), retry: once });
  await assert.rejects(away.livez(), { code: 'NO_ANSWER', message: /no token was to be had \(away\)/ });
  const silent = createClient({ url, token: () => new Promise(() => {}), retry: once, timeoutMs: 100 });
  await assert.rejects(silent.livez(), { code: 'NO_ANSWER', message: /no token was to be had \(time-out\)/ });
  assert.equal(heard.length, 1);
});

test('a browser whose page did not come by TLS makes keys all the same', async (t) => {
  Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
  t.after(() => Reflect.deleteProperty(crypto, 'randomUUID'));
  const { client, heard } = await behind([good, good]);
  await client.rotate('t');
  await client.rotate('t');
  const keys = heard.map(({ headers }) => String(headers['idempotency-key']));
  assert.equal(new Set(keys).size, 2);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});

test('waiting has an end in an API that does not answer, too', async () => {
  const standing = json(200, {
    success: true,
    data: { rotationId, completedAt: null, status: 'in_progress' },
  });
  for (const [replies, says] of [
    [[silence], /nothing has answered/],
    [[standing, silence], /has not ended in time/],
    [[hangUp, hangUp, hangUp, hangUp, hangUp, hangUp, hangUp, hangUp], /nothing has answered/],
  ] as const) {
    const { url } = await behind(replies);
    const never = { attempts: 8, withinMs: 600_000 };
    const client = createClient({ url, token: 'x', retry: never, timeoutMs: 600_000 });
    await assert.rejects(client.waitFor(rotationId, { timeoutMs: 100, everyMs: 1 }), {
      code: 'WAITED_TOO_LONG',
      message: says,
    });
  }
});

test('what cannot be sent is not sent, and what is said of it holds nothing of the token', async () => {
  const { client, heard, url } = await behind([]);
  const refused = async (call: Promise<unknown>, what: string): Promise<void> => {
    const error = await call.then(
      () => null,
      (thrown) => thrown,
    );
    assert.ok(error instanceof ClientError && error.code === 'INVALID_REQUEST', what);
    assert.doesNotMatch(inspect(error), /hunter2/, what);
  };
  for (const token of ['hunter2\nx-tenantid: other', 'hunter2\0', 'hunter2…'])
    await refused(createClient({ url, token }).listKeys(), JSON.stringify(token));
  const withPassword = url.replace('//', '//ada:hunter2@');
  await refused(createClient({ url: withPassword, token: 'x' }).listKeys(), withPassword);
  // A URL takes such segments away, and what is left may be another operation.
  for (const keyId of ['', '.', '..', '\ud800']) await refused(client.getKey({ path: { keyId } }), keyId);
  await refused(client.certificate('..'), 'a certificate');
  await assert.rejects(async () => {
    for await (const told of client.follow('..')) assert.ok(told);
  }, ClientError);
  assert.equal(heard.length, 0);
  await client.getKey({ path: { keyId: '../keks' } });
  assert.equal(heard[0]?.url, '/api/v1/admin/keys/..%2Fkeks');
});

test('silence ends after the time that was set, and a signal ends call, pause and wait with its reason', async () => {
  const slow = await behind([silence], { attempts: 1, timeoutMs: 100 });
  assert.equal(await codeOf(slow.client.getRotation({ path: { rotationId } })), 'NO_ANSWER');

  const reason = new Error('stop');
  const works: ReadonlyArray<[replies: Reply[], work: (client: Client) => Promise<unknown>]> = [
    [[silence], (client) => client.getRotation({ path: { rotationId } })],
    [[refusal('RATE_LIMITED', '5')], (client) => client.getRotation({ path: { rotationId } })],
    [[], (client) => client.waitFor(rotationId, { everyMs: 60_000 })],
  ];
  for (const [replies, work] of works) {
    const controller = new AbortController();
    const { client } = await behind(replies, { signal: controller.signal });
    const working = work(client);
    setTimeout(() => controller.abort(reason), 200);
    await assert.rejects(working, reason);
    await assert.rejects(client.livez(), reason, 'nor is anything begun after it');
  }
});
