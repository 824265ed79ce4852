/** What an operator's own switches may answer, asked one by one as a worker asks them. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import type { Signal } from '@rekey/rotation';
import { createLogger } from '@rekey/runtime';
import { httpSwitch, querySwitch } from '@rekey/worker';
import { createTestDatabase } from '../harness/database.ts';
import { patient } from '../harness/patient.ts';

const database = await createTestDatabase();
const store = openStore({ ...patient, url: database.url, onError: () => {} });
test.after(() => store.end());
const logger = createLogger({ name: 'worker', level: 'silent', write: () => {} });

/** Asks until it says that: on a machine that stands still for a second nothing answers in time. */
async function says(signal: Signal, expected: string): Promise<void> {
  let said = '';
  for (let tries = 0; tries < 20 && said !== expected; tries += 1) {
    const { level, detail } = await signal.read();
    said = level === 'stop' ? detail : 'go';
    if (!/within 1 s|the log says more/.test(said)) break;
  }
  assert.equal(said, expected);
}

const neither = 'THROTTLE_SQL could not be asked: THROTTLE_SQL yields neither a boolean nor a number';

for (const [query, expected] of [
  ['select true where false', 'go'],
  ['select null::boolean', 'go'],
  ['select false', 'go'],
  ['select 0::bigint', 'go'],
  ['select -1.5::numeric', 'go'],
  ['select true', 'THROTTLE_SQL says true'],
  ['select 7::bigint', 'THROTTLE_SQL says 7'],
  ['select 0.5::numeric', 'THROTTLE_SQL says 0.5'],
  [`select 'infinity'::float8`, 'THROTTLE_SQL says Infinity'],
  // Whichever row says it.
  ['values (false), (null), (true)', 'THROTTLE_SQL says true'],
  ['select n from generate_series(-1, 3) n', 'THROTTLE_SQL says 1'],
  ['values (false), (null)', 'go'],
  // The first column, also of those that have no name of their own.
  ['select true, false', 'THROTTLE_SQL says true'],
  ['select false, true', 'go'],
  // What says neither yes nor no.
  ['select from pg_class limit 1', neither],
  [`select '{}'::int[]`, neither],
  [`select '{1}'::int[]`, neither],
  [`select '1960-01-01'::timestamptz`, neither],
  [`select '\\x30'::bytea`, neither],
  [`select '{}'::jsonb`, neither],
  [`select 'NaN'::float8`, neither],
  [`select ''`, neither],
  [`select 'off'`, neither],
  ['select 1 / 0', 'THROTTLE_SQL could not be asked: it failed; the log says more'],
  ['select false; select true', 'THROTTLE_SQL could not be asked: it failed; the log says more'],
  [
    'create table public.by_a_switch (id integer)',
    'THROTTLE_SQL could not be asked: it failed; the log says more',
  ],
] as const)
  test(`THROTTLE_SQL: ${query}`, async () => {
    await says(querySwitch(store, query, null, logger), expected);
  });

test('THROTTLE_HTTP: 200 alone lets it go, whatever the body does', async () => {
  let answer: (response: ServerResponse) => void = () => {};
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const ways: Array<[(response: ServerResponse) => void, string]> = [
      [(response) => response.writeHead(200).end(), 'go'],
      // A body that never ends is not waited for.
      [(response) => response.writeHead(200).write('wait'), 'go'],
      // Nor is it unpacked, or kept, whatever it claims to be and however much it is.
      [
        (response) =>
          response.writeHead(200, { 'content-encoding': 'gzip' }).end('neither packed nor anything else'),
        'go',
      ],
      [(response) => response.writeHead(200, { 'content-encoding': 'br, x, gzip' }).end('{}'), 'go'],
      [(response) => response.writeHead(200, { 'content-length': '99999999999' }).write('x'), 'go'],
      [(response) => response.writeHead(200).end(Buffer.alloc(64 << 20)), 'go'],
      [
        (response) => response.writeHead(500, { 'content-encoding': 'gzip' }).end('x'),
        'THROTTLE_HTTP could not be asked: THROTTLE_HTTP answers 500',
      ],
      [
        (response) => response.socket?.end('HTTP/1.1 200 OK\r\nx: '.padEnd(64 << 10, 'x')),
        'THROTTLE_HTTP could not be asked: it failed; the log says more',
      ],
      [
        (response) => response.socket?.end('220 mail.example.com ESMTP\r\n'),
        'THROTTLE_HTTP could not be asked: it failed; the log says more',
      ],
      [
        (response) => response.writeHead(204).end(),
        'THROTTLE_HTTP could not be asked: THROTTLE_HTTP answers 204',
      ],
      [
        (response) => response.writeHead(301, { location: url }).end(),
        'THROTTLE_HTTP could not be asked: THROTTLE_HTTP answers 301',
      ],
      [(response) => response.writeHead(429).end(), 'THROTTLE_HTTP answers 429'],
      [(response) => response.writeHead(503).write('wait'), 'THROTTLE_HTTP answers 503'],
      [
        (response) => response.socket?.destroy(),
        'THROTTLE_HTTP could not be asked: it failed; the log says more',
      ],
      [() => {}, 'THROTTLE_HTTP could not be asked: no answer within 1 s'],
    ];
    for (const [way, expected] of ways) {
      answer = way;
      await says(httpSwitch(url, logger), expected);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
