import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ClientError, createClient } from '@rekey/client';
import { behind, codeOf, json, page, type Reply, rotationId, silence } from './replies.ts';

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
