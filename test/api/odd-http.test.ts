import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { conforms, ErrorResponse } from '@rekey/contract';
import { checkError } from './check-error.ts';
import { bearer, liveApi, rotateCall, rotatePath, rotationsPath } from './live-api.ts';

const api = await liveApi();
const nobody = randomUUID();
const body = JSON.stringify({ tenantId: nobody });
const authorized = `Authorization: ${bearer().authorization}\r\nx-tenantid: ${nobody}\r\n`;
const json = 'Content-Type: application/json\r\n';
const length = `Content-Length: ${body.length}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';
const close = 'Connection: close\r\n';
const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/** What comes back until the other side closes, or is silent for a while. */
function exchange(bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(api.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answered = '';
    const giveUp = setTimeout(() => socket.destroy(), 3_000);
    socket.on('data', (chunk: Buffer) => (answered += chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(giveUp);
      resolve(answered);
    });
  });
}

interface Seen {
  readonly status: number;
  readonly body: string;
}

/** The answers in one connection's bytes, by their lengths. */
function answersIn(bytes: string): Seen[] {
  const seen: Seen[] = [];
  for (let rest = bytes; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const head = rest.slice(0, end);
    const size = Number(/content-length: ([0-9]+)/i.exec(head)?.[1] ?? 0);
    seen.push({ status: Number(head.slice(9, 12)), body: rest.slice(end, end + size) });
    rest = rest.slice(end + size);
  }
  return seen;
}

const post = (headers: string, sent: string, target = rotatePath, host = 'Host: x\r\n'): string =>
  `POST ${target} HTTP/1.1\r\n${host}${authorized}${headers}\r\n${sent}`;
const get = (target: string, headers = 'Host: x\r\n', version = '1.1'): string =>
  `GET ${target} HTTP/${version}\r\n${headers}${close}\r\n`;

const odd: Readonly<Record<string, readonly [bytes: string | Buffer, statuses: string]>> = {
  'no Host': [post(json + length + close, body, rotatePath, ''), '400'],
  'no Host, HTTP/1.0': [`GET /livez HTTP/1.0\r\n\r\n`, '200'],
  'an empty Host': [get('/livez', 'Host:\r\n'), '200'],
  'two Hosts': [get('/livez', 'Host: a\r\nHost: b\r\n'), '400'],
  'two equal Hosts': [get('/livez', 'Host: a\r\nhost: a\r\n'), '400'],
  'the whole URL': [get('http://evil.example/livez'), '200'],
  'the whole URL, with a port and a query': [get(`HTTPS://x:1/livez?x`), '200'],
  'the whole URL without a path': [get('http://x'), '404'],
  'the whole URL of the rotate call': [post(json + length + close, body, `http://x${rotatePath}`), '404'],
  'a scheme of another kind': [get('ftp://x/livez'), '404'],
  'a scheme without an authority': [get('http:/livez'), '400'],
  'an asterisk': [`OPTIONS * HTTP/1.1\r\nHost: x\r\n${close}\r\n`, '404'],
  CONNECT: ['CONNECT 127.0.0.1:5432 HTTP/1.1\r\nHost: x\r\n\r\n', '405'],
  TRACE: [`TRACE /livez HTTP/1.1\r\nHost: x\r\n${close}\r\n`, '405'],
  OPTIONS: [`OPTIONS ${rotatePath} HTTP/1.1\r\nHost: x\r\nOrigin: https://x\r\n${close}\r\n`, '405'],
  'an unknown method': [`FOO /livez HTTP/1.1\r\nHost: x\r\n\r\n`, '400'],
  'HTTP/3.7': [get('/livez', 'Host: x\r\n', '3.7'), '400'],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400'],
  'the hello of TLS': [Buffer.from('16030100a5010000a10303', 'hex'), '400'],
  'an upgrade to HTTP/2': [
    get('/livez', 'Host: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n'),
    '200',
  ],
  'an expectation': [post(`${json + length + close}Expect: 100-continue\r\n`, body), '100,404'],
  'an expectation that nobody knows': [post(`${json + length + close}Expect: nonsense\r\n`, body), '404'],
  'a length and chunks': [post(json + length + chunked, chunks), '400'],
  'two lengths': [post(`${json + length}Content-Length: 1\r\n`, body), '400'],
  'a length that is none': [post(`${json}Content-Length: -1\r\n`, body), '400'],
  'chunks, well formed': [post(json + chunked + close, chunks), '404'],
  'chunks with trailers': [
    post(json + chunked + close, `${chunks.slice(0, -2)}x-tenantid: ${randomUUID()}\r\n\r\n`),
    '404',
  ],
  'chunks that are garbage': [post(json + chunked, 'zz\r\n{}\r\n0\r\n\r\n'), '400'],
  'a chunk without its end': [post(json + chunked, `1\r\n${body}\r\n0\r\n\r\n`), '400'],
  'a chunk of no length': [post(json + chunked, 'FFFFFFFFFFFFFFFFF\r\n'), '400'],
  'a chunk with a long extension': [
    post(json + chunked, `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    '413',
  ],
  'chunks beyond the limit': [
    post(json + chunked + close, `5000\r\n${' '.repeat(0x5000)}\r\n0\r\n\r\n`),
    '413',
  ],
  'an unknown transfer coding': [post(`${json}Transfer-Encoding: xchunked\r\n`, body), '400'],
  'headers of 17 KB': [get('/livez', `Host: x\r\nX: ${'a'.repeat(17_000)}\r\n`), '431'],
  'thousands of headers': [get('/livez', `Host: x\r\n${'a:b\r\n'.repeat(4_000)}`), '431'],
  'a URL of 17 KB': [get(`/${'a'.repeat(17_000)}`), '431'],
  'a URL of 15 KB': [get(`/${'a/'.repeat(7_500)}`), '404'],
  'a long rotation id': [get(`${rotationsPath}/${'a'.repeat(15_000)}`), '401'],
  'a query of 15 KB': [
    get(`${rotationsPath}/rot-${nobody}?${'a=1&'.repeat(3_700)}`, `Host: x\r\n${authorized}`),
    '400',
  ],
  'a blank in the target': [get('/livez /x'), '400'],
  'NUL in a header': [get('/livez', 'Host: x\r\nX-A: b\0c\r\n'), '400'],
  'a bare carriage return': [get('/livez', 'Host: x\r\nX-A: b\rX-B: c\r\n'), '400'],
  'a folded header': [get('/livez', 'Host: x\r\nX-A: b\r\n c\r\n'), '400'],
  'a slash at the end': [post(json + length + close, body, `${rotatePath}/`), '404'],
  'two slashes': [get('//livez'), '404'],
  pipelined: [
    `${post(json + length, body)}GET ${rotationsPath}/x HTTP/1.1\r\nHost: x\r\n\r\n${get('/livez')}`,
    '404,401,200',
  ],
  'a call, then garbage behind it': [post(json + length, `${body}GARBAGE\r\n\r\n`), '404,400'],
  'a call, then a body that is garbage': [
    post(json + length, body + post(json + chunked, 'zz\r\n')),
    '404,400',
  ],
  'pipelined, then garbage': [`GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n`, '200,400'],
};

for (const [what, [bytes, statuses]] of Object.entries(odd)) {
  test(`${what}: ${statuses}, in JSON`, async () => {
    const seen = answersIn(await exchange(bytes));
    assert.equal(seen.map(({ status }) => status).join(), statuses, JSON.stringify(seen));
    for (const { status, body: text } of seen.filter(({ status }) => status >= 400)) {
      assert.ok(conforms(ErrorResponse, JSON.parse(text)), `${status}: ${text}`);
    }
  });
}

test('a body that is packed is not unpacked: 415', async () => {
  for (const [encoding, packed] of [
    ['gzip', gzipSync(body)],
    ['br', brotliCompressSync(body)],
    ['deflate', deflateSync(body)],
    ['gzip, gzip', gzipSync(gzipSync(body))],
    ['nobody-knows', Buffer.from(body)],
    ['gzip', gzipSync(Buffer.alloc(1 << 20)).subarray(0, 1_000)],
  ] as const) {
    const call = rotateCall(nobody, { raw: packed, headers: { 'content-encoding': encoding } });
    checkError(await api.send(call), 'UNSUPPORTED_MEDIA_TYPE', encoding);
  }
  const plain = rotateCall(nobody, { headers: { 'content-encoding': 'Identity' } });
  checkError(await api.send(plain), 'TENANT_NOT_FOUND');
});

test('a header sent twice is refused where its two values could be read differently', async () => {
  const other = randomUUID();
  const rows: Readonly<Record<string, readonly [values: string[], status: number]>> = {
    'x-tenantid': [[nobody, other], 400],
    'idempotency-key': [['a', 'b'], 400],
    realmname: [['default', 'other'], 401],
    authorization: [[bearer().authorization, bearer({ sub: 'eve' }).authorization], 401],
    'content-type': [['application/json', 'text/plain'], 415],
    accept: [['text/html', 'application/json'], 404],
    'x-request-id': [['a', 'b'], 404],
  };
  for (const [name, [values, status]] of Object.entries(rows)) {
    const answer = await api.send(rotateCall(nobody, { headers: { [name]: values } }));
    assert.equal(answer.status, status, `${name}: ${answer.text}`);
  }
});

test('HEAD answers as GET does, without a body', async () => {
  for (const [path, headers, status] of [
    ['/livez', {}, 200],
    ['/openapi.json', {}, 200],
    [`${rotationsPath}/rot-${nobody}`, {}, 401],
    [`${rotationsPath}/rot-${nobody}`, bearer(), 404],
    [rotatePath, bearer(), 405],
  ] as const) {
    const answer = await api.send({ method: 'HEAD', path, headers });
    assert.deepEqual([answer.status, answer.text], [status, ''], path);
    assert.match(String(answer.headers['content-type']), /^application\/json/);
  }
});
