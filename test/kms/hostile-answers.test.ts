/** Answers that no KMS gives: what somebody between us and it could send. Each ends in UNAVAILABLE, and the next good one is taken. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { fourKmss } from '../harness/four-kmss.ts';
import { until } from '../harness/wait.ts';
import { keyFile, refusal } from './key-files.ts';

const aad = dekWrapAad(randomUUID(), randomUUID());
type Hostile = (response: ServerResponse) => void;

const { kmss: four, aws, azure, gcp, transit } = await fourKmss(keyFile);
const gives = {
  'aws-kms': (give: Hostile | null) => (aws.answer = give && ((_, response) => give(response))),
  'azure-kv': (give: Hostile | null) => (azure.answer = give),
  'gcp-kms': (give: Hostile | null) => (gcp.answer = give),
  hcvault: (give: Hostile | null) => (transit.answer = give),
};
const kmss = four.map(({ name, uri }) => [name, uri, gives[name]] as const);

/** Where nobody may come. */
let strangers = 0;
const elsewhere = createServer((_, response) => {
  strangers += 1;
  response.end('{}');
}).listen(0, '127.0.0.1');
await once(elsewhere, 'listening');
test.after(() => elsewhere.close());
const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/hunter2`;

const json = { 'content-type': 'application/json' };
const good =
  '{"Plaintext":"aHVudGVyMg==","plaintext":"aHVudGVyMg==","value":"aHVudGVyMg","data":{"plaintext":"aHVudGVyMg=="}}';
/** Bytes that were taken of answers without an end, and how many of these are still being sent. */
const endless = { bytes: 0, open: 0 };
function pour(response: ServerResponse, piece: string, everyMs: number): void {
  endless.open += 1;
  const timer = setInterval(() => {
    if (response.writableNeedDrain) return;
    endless.bytes += piece.length;
    response.write(piece);
  }, everyMs);
  response.on('close', () => {
    clearInterval(timer);
    endless.open -= 1;
  });
}

const answers: ReadonlyArray<readonly [what: string, give: Hostile]> = [
  ['half of an answer, whole by its length', (to) => to.writeHead(200, json).end(good.slice(0, 60))],
  [
    'half of an answer, and the connection cut',
    (to) => {
      to.writeHead(200, { ...json, 'content-length': good.length });
      to.write(good.slice(0, 60), () => to.destroy());
    },
  ],
  ['the connection cut before an answer', (to) => to.destroy()],
  ['what is no HTTP', (to) => to.socket?.end('hunter2\r\n\r\n')],
  [
    'two lengths',
    (to) => to.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}'),
  ],
  [
    'more headers than anybody needs',
    (to) => to.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1_000_000)}\r\n\r\n{}`),
  ],
  [
    'a page of a proxy',
    (to) => to.writeHead(200, { 'content-type': 'text/html' }).end('<html>hunter2</html>'),
  ],
  ['a list', (to) => to.writeHead(200, json).end('[]')],
  ['lists in lists', (to) => to.writeHead(200, json).end('['.repeat(60_000))],
  ['nothing', (to) => to.writeHead(200, json).end()],
  ['no content', (to) => to.writeHead(204).end()],
  [
    'a little that is much once it is unpacked',
    (to) =>
      to.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000, 32))),
  ],
  ...[301, 302, 303, 307, 308].map(
    (status) =>
      [`a redirect (${status})`, (to: ServerResponse) => to.writeHead(status, { location }).end()] as const,
  ),
  ...[
    '1',
    '3600',
    '-1',
    '1e9',
    'soon',
    'Fri, 31 Dec 2100 23:59:59 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
  ].flatMap((after) =>
    [429, 503].map(
      (status) =>
        [
          `${status} with Retry-After: ${after}`,
          (to: ServerResponse) => to.writeHead(status, { ...json, 'retry-after': after }).end('{}'),
        ] as const,
    ),
  ),
];

for (const [name, uri, answer] of kmss) {
  test(`${name}: ${answers.length} answers that no KMS gives are waited out, whoever sends them`, async (t) => {
    const kek = await openKek(uri);
    t.after(() => kek.close());
    const dek = generateDek();
    const wrapped = await kek.wrap(dek, aad);
    for (const [what, give] of answers) {
      answer(give);
      await assert.rejects(
        kek.unwrap(wrapped, aad),
        (error) =>
          error instanceof Error &&
          !error.message.includes('hunter2') &&
          !error.message.includes('\n') &&
          refusal('UNAVAILABLE')(error),
        what,
      );
      answer(null);
      assert.deepEqual(await kek.unwrap(wrapped, aad), dek, what);
    }
    assert.equal(strangers, 0);
  });

  test(`${name}: an answer without an end is left after some of it, or some time`, async (t) => {
    const kek = await openKek(uri);
    t.after(() => kek.close());
    const dek = generateDek();
    const wrapped = await kek.wrap(dek, aad);
    for (const [piece, everyMs] of [
      [' ', 50],
      [' '.repeat(65_536), 1],
    ] as const) {
      endless.bytes = 0;
      answer((response) => {
        response.writeHead(200, json);
        pour(response, piece, everyMs);
      });
      await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE'));
      answer(null);
      // Nobody goes on reading it.
      await until(async () => endless.open === 0 || undefined, { what: 'it is hung up', timeoutMs: 30_000 });
      assert.ok(endless.bytes < 50_000_000, `${endless.bytes} bytes were taken`);
    }
    assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  });
}
