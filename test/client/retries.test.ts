import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { type Client, ClientError, createClient } from '@rekey/client';
import { errorTable } from '@rekey/contract';

type Reply = (response: ServerResponse, request: IncomingMessage) => void;

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Reply => {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const refusal = (code: keyof typeof errorTable, retryAfter?: string): Reply =>
  json(
    errorTable[code].status,
    { success: false, message: 'x', error: { code, detail: 'so it is' }, timestamp: 'x', requestId: 'x' },
    retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  );
const hangUp: Reply = (response) => response.destroy();
const page: Reply = (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>');
const silence: Reply = () => {};
const good = json(200, { success: true, data: { rotationId: 'rot-1', completedAt: null, unheardOf: 1 } });

/** What stands between a client and the API may answer anything: a server that says these, one after the other. */
async function behind(
  replies: readonly Reply[],
  options: { attempts?: number; withinMs?: number; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<{ client: Client; url: string; heard: IncomingMessage[]; tokens: () => number }> {
  const heard: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const reply = replies[heard.length] ?? good;
    heard.push(request);
    reply(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { attempts = 4, withinMs = 10_000, timeoutMs = 5_000, signal } = options;
  let made = 0;
  const token = (): string => {
    made += 1;
    return `token-${made}`;
  };
  const url = `http://127.0.0.1:${address.port}`;
  const client = createClient({
    url,
    token,
    timeoutMs,
    retry: { attempts, withinMs },
    ...(signal === undefined ? {} : { signal }),
  });
  return { client, url, heard, tokens: () => made };
}

const rotationId = 'rot-1';
const start = (client: Client) =>
  client.rotateDek({ headers: { 'x-tenantid': 't' }, body: { tenantId: 't' } });

/** The code it must end with. */
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'success',
    (error: unknown) => {
      assert.ok(error instanceof ClientError, String(error));
      return error.code;
    },
  );

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

test('what the contract does not have is said, and not taken for something else', async () => {
  const odd: ReadonlyArray<[reply: Reply, says: RegExp]> = [
    [json(409, { success: false, error: { code: 'OF_A_LATER_VERSION' } }), /409.*OF_A_LATER_VERSION/],
    [json(409, { success: false, error: { code: 'toString' } }), /409.*toString/],
    [json(400, null), /400/],
    [json(404, []), /404/],
    [json(201, { success: true }), /201/],
    [(response) => response.writeHead(200).end('{"success":tr'), /200/],
    [page, /502.*text\/html/],
    // What other servers answer with a 200.
    ...[
      {},
      { hello: 1 },
      { success: true },
      { success: true, data: [] },
      { data: {} },
      'ok',
      7,
      [],
      null,
    ].map((body): [Reply, RegExp] => [json(200, body), /200/]),
  ];
  for (const [reply, says] of odd) {
    const { client } = await behind([reply], { attempts: 1 });
    const error = await client.getRotation({ path: { rotationId } }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ClientError, String(error));
    assert.equal(error.code, 'UNEXPECTED_ANSWER');
    assert.match(error.message, says);
  }
});

test('a redirect is told and not followed: the token is for the one it is sent to', async () => {
  const elsewhere = await behind([]);
  const to = (location: string): Reply => {
    return (response) => response.writeHead(307, { location }).end();
  };
  const rows: ReadonlyArray<[location: string, says: RegExp]> = [
    [`${elsewhere.url}/hunter2`, new RegExp(`answered 307, a redirect to ${elsewhere.url}, which`)],
    ['/login', /answered 307, a redirect, which/],
  ];
  for (const [location, says] of rows) {
    const { client, heard } = await behind([to(location)]);
    const error = await client.getRotation({ path: { rotationId } }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ClientError && error.code === 'UNEXPECTED_ANSWER', String(error));
    assert.match(error.message, says);
    assert.equal(heard.length, 1, 'it would be told again');
  }
  assert.equal(elsewhere.heard.length, 0);
});

test('a page that is answered for a file is none of it', async () => {
  const login: Reply = (response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Log in</title>');
  for (const form of ['dsse', 'jws', 'bundle'] as const) {
    const { client } = await behind([login]);
    assert.equal(await codeOf(client.certificate(rotationId, { form })), 'UNEXPECTED_ANSWER', form);
  }
  for (const form of ['jsonl', 'csv'] as const) {
    const { client } = await behind([login]);
    const read = async (): Promise<void> => {
      for await (const part of client.exportAudit({}, { form })) assert.fail(part);
    };
    assert.equal(await codeOf(read()), 'UNEXPECTED_ANSWER', form);
  }
});

test('why there is no answer is always said', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const address = closed.address();
  assert.ok(address !== null && typeof address === 'object');
  await new Promise((resolve) => closed.close(resolve));
  const notHttp: Reply = (_, { socket }) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  const other = await behind([notHttp, notHttp]);
  const slow = await behind([silence], { attempts: 1, timeoutMs: 200 });
  for (const [url, says] of [
    [`http://127.0.0.1:${address.port}`, /\(ECONNREFUSED\)$/],
    [`http://localhost:${address.port}`, /\(ECONNREFUSED\)$/],
    [other.url, /\((?!undefined|fetch failed).+\)$/],
    [other.url.replace('http:', 'https:'), /\((?!undefined|fetch failed).+\)$/],
  ] as const) {
    const client = createClient({ url, token: 'x', retry: { attempts: 1, withinMs: 0 } });
    await assert.rejects(client.livez(), { code: 'NO_ANSWER', message: says });
  }
  await assert.rejects(slow.client.livez(), { code: 'NO_ANSWER', message: /\(time-out\)$/ });
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

test('a stream that tells what no API of ours tells is an error, whatever it is', async () => {
  const stream =
    (...parts: string[]): Reply =>
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const part of parts) response.write(part);
    };
  const endless = `event: progress\ndata: ${'x'.repeat(5 * 1024 * 1024)}`;
  for (const data of ['{', 'null', '7', '"x"'])
    for (const event of ['snapshot', 'event', 'bye'])
      assert.equal(await following(stream(`event: ${event}\ndata: ${data}\n\n`)), 'UNEXPECTED_ANSWER', data);
  assert.equal(await following(stream(endless)), 'UNEXPECTED_ANSWER');

  // An id that no header takes is none.
  const ended = stream('id: 8\ndata: {}\n\n', 'event: bye\ndata: {"reason":"ended"}\n\n');
  const { client, heard } = await behind([
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('id: 7\ndata: {}\n\nid: a\u0001ä\ndata: {}\n\nevent: unheard-of\ndata: {}\n\n');
    },
    ended,
  ]);
  for await (const told of client.follow(rotationId)) assert.ok(told);
  assert.equal(heard[1]?.headers['last-event-id'], '7');

  async function following(reply: Reply): Promise<string> {
    const { client } = await behind([reply]);
    return codeOf(
      (async () => {
        for await (const told of client.follow(rotationId)) assert.ok(told);
      })(),
    );
  }
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
