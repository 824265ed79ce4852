import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bearer, liveApi, rotatePath, rotationsPath } from './live-api.ts';

const api = await liveApi();

/** What docs/http.md promises, the pause between two looks of the server, and a busy machine. Without a limit it is never. */
const endMs = { from: 9_000, to: 25_000 };

interface Ended {
  readonly ms: number;
  readonly answered: string;
}

/** Sends `first`, then `drip(n)` every half second, until the server closes the connection. */
function dripped(first: string, drip: (n: number) => string): Promise<Ended> {
  const { hostname, port } = new URL(api.url);
  const from = performance.now();
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(first));
    let [answered, n] = ['', 0];
    const timer = setInterval(() => socket.write(drip(n++)), 500);
    const giveUp = setTimeout(() => socket.destroy(), 40_000);
    socket.on('data', (chunk: Buffer) => (answered += chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      clearTimeout(giveUp);
      resolve({ ms: performance.now() - from, answered });
    });
  });
}

const head = (line: string, ...headers: string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: x', ...headers].join('\r\n')}\r\n`;
const authorized = `Authorization: ${bearer().authorization}`;
const json = 'Content-Type: application/json';
const tenant = `x-tenantid: ${randomUUID()}`;

const slow: Readonly<
  Record<string, readonly [first: string, drip: (n: number) => string, statuses: string]>
> = {
  'nothing at all': ['', () => '', '408'],
  'a request line, letter by letter': ['GET /', () => 'a', '408'],
  'headers, letter by letter': [head('GET /livez'), (n) => (n % 4 === 3 ? ': b\r\n' : 'a'), '408'],
  'a body, byte by byte': [
    `${head(`POST ${rotatePath}`, authorized, tenant, json, 'Content-Length: 1000')}\r\n{`,
    () => ' ',
    '408',
  ],
  'a chunked body, byte by byte': [
    `${head(`POST ${rotatePath}`, authorized, tenant, json, 'Transfer-Encoding: chunked')}\r\n`,
    () => '1\r\n \r\n',
    '408',
  ],
  'the body of a cancel': [
    `${head(`POST ${rotationsPath}/rot-${randomUUID()}/cancel`, authorized, json, 'Content-Length: 9')}\r\n`,
    () => '',
    '408',
  ],
  'a body that was refused before it came': [
    `${head(`POST ${rotatePath}`, json, 'Content-Length: 1000')}\r\n{`,
    () => ' ',
    '401,408',
  ],
  'an answer, and then another head': [
    `${head('GET /livez')}\r\n${head('GET /livez')}`,
    () => 'X',
    '200,408',
  ],
};

test('what does not arrive is ended within the documented ten seconds, with a 408 in JSON', {
  concurrency: true,
}, async (t) => {
  const each = Object.entries(slow).map(([what, [first, drip, statuses]]) =>
    t.test(what, async () => {
      const { ms, answered } = await dripped(first, drip);
      assert.ok(ms > endMs.from && ms < endMs.to, `${Math.round(ms)} ms, answered ${answered.slice(0, 400)}`);
      const seen = [...answered.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => status);
      assert.equal(seen.join(), statuses, answered);
      assert.match(answered.slice(answered.lastIndexOf('HTTP/1.1 408')), /"code":"REQUEST_TIMEOUT"/);
    }),
  );
  await Promise.all(each);
});

test('a request that comes in pieces, but in time, is served', async () => {
  const pieces = [...`${head('GET /livez', 'Connection: close')}\r\n`];
  const { answered } = await dripped('', (n) => pieces.slice(n * 10, n * 10 + 10).join(''));
  assert.match(answered, /^HTTP\/1\.1 200 OK/);
});

test('answers that nobody reads do not hold a connection for more than half a minute', async () => {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.write(`${head('GET /openapi.json')}\r\n`.repeat(2_000));
  const ended = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  await delay(31_000);
  const timer = setInterval(() => socket.write('X'), 100);
  // From when nothing moved any more; the kernels at both ends find room for some bytes a while after nobody reads.
  const giveUp = setTimeout(() => socket.destroy(new Error('still open')), 45_000);
  const how = await ended;
  clearInterval(timer);
  clearTimeout(giveUp);
  assert.match(
    how instanceof Error && 'code' in how ? String(how.code) : String(how),
    /^(ECONNRESET|EPIPE)$/,
  );
});
