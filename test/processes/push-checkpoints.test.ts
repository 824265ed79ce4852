import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import { readCheckpoints, signerOf } from '@rekey/evidence';
import { createLogger } from '@rekey/runtime';
import { createKeepLog, pushCheckpoints, readWorkerConfig } from '@rekey/worker';
import { emptyTenant } from '../api/live-api.ts';
import { createTestDatabase } from '../harness/database.ts';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const store = openStore({ ...patient, url: database.url, onError: () => {} });
const stop = new AbortController();
const log: string[] = [];
const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });

/** What the other side does with the next one, and what it has heard. */
let answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end();
const heard: Array<{ path: string; note: string; authorization: string | undefined }> = [];
const server = createServer(async (request, response) => {
  const note = await text(request);
  heard.push({ path: request.url ?? '', note, authorization: request.headers.authorization });
  answer(request, response);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

const { privateKey } = generateKeyPairSync('ed25519');
const tried: string[] = [];
const pushes = pushCheckpoints({
  store,
  url: `http://keeper:s3cret-word@127.0.0.1:${port}/of-us?token=pr1vate`,
  logger,
  signal: stop.signal,
  onTried: (outcome) => tried.push(outcome),
  times: { everyMs: 5, tellMs: 20 },
});
const keepLog = createKeepLog({
  store,
  signer: async () => signerOf(privateKey),
  file: undefined,
  sent: pushes.last,
  logger,
});
test.after(async () => {
  stop.abort();
  await pushes.done;
  server.closeAllConnections();
  server.close();
  await store.end();
});

/** One more checkpoint than before: its note. */
async function signed(): Promise<string> {
  await emptyTenant(database);
  await keepLog.append(true);
  await keepLog.checkpoint();
  const { rows } = await store.query<{ note: string }>(
    'select note from rekey.log_checkpoints order by tree_size desc limit 1',
  );
  return rows[0]?.note ?? '';
}

const taken = (note: string): Promise<unknown> =>
  until(async () => pushes.last()?.note === note, { what: 'it is taken' });

test('each checkpoint is sent until it is taken, whatever the other side does, and nothing private is logged', async () => {
  const first = await signed();
  await taken(first);
  assert.deepEqual(heard, [
    { path: '/of-us?token=pr1vate', note: first, authorization: `Basic ${btoa('keeper:s3cret-word')}` },
  ]);
  assert.equal(pushes.behindSeconds(), 0);

  // Refused, then sent elsewhere, then cut off: told once, and sent again.
  let turn = 0;
  answer = (request, response) => {
    turn += 1;
    if (turn % 3 === 1) response.writeHead(500).end('trouble');
    else if (turn % 3 === 2)
      response.writeHead(307, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    else request.socket.destroy();
  };
  const second = await signed();
  await until(async () => log.some((line) => /checkpoints are not taken/.test(line)) && turn > 5, {
    what: 'it is told',
  });
  assert.equal(pushes.last()?.note, first);
  assert.ok(tried.includes('refused') && tried.includes('away'));
  // An answer without an end is none of our business: it is taken by its status.
  answer = (_, response) => {
    response.writeHead(200);
    const more = (): boolean => response.destroyed || response.write(Buffer.alloc(65_536)) || true;
    const timer = setInterval(more, 1);
    response.on('close', () => clearInterval(timer));
  };
  await taken(second);
  await until(async () => log.some((line) => /are taken at CHECKPOINT_URL again/.test(line)), {
    what: 'it is told',
  });
  assert.equal(log.filter((line) => /checkpoints are not taken/.test(line)).length, 1);
  assert.ok(
    heard.every(({ path }) => path.startsWith('/of-us')),
    'no redirect is followed',
  );
  assert.doesNotMatch(log.join('\n'), /s3cret|pr1vate|of-us|127\.0\.0\.1/);
});

test('a log that is another one than was sent is not signed', async () => {
  answer = (_, response) => response.end();
  const third = await signed();
  await taken(third);
  const client = await store.connect();
  await client.query(`set session_replication_role = replica; delete from rekey.log_checkpoints;
    update rekey.log_leaves set content = sha256(content) where index = 0; delete from rekey.log_nodes`);
  client.release(true);
  log.length = 0;
  await signed();
  assert.ok(log.some((line) => /no checkpoint is signed: the log in the database is not the one/.test(line)));
  assert.equal(readCheckpoints(heard.at(-1)?.note ?? '')[0]?.note, third);
});

test('an address is one that nobody on the way reads, and needs a key', () => {
  const env = { DATABASE_URL: 'postgres://x@h/d', REDIS_URL: 'redis://h', KEK_URI: 'local:/k' };
  const refusal = (more: Record<string, string>): string => {
    try {
      readWorkerConfig({ ...env, ...more });
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return '';
  };
  const key = { SIGNING_KEY_URI: 'file:/s' };
  for (const url of [
    'http://example.com/x-word',
    'ftp://localhost/x-word',
    'x-word',
    'https://e.com/#x-word',
  ]) {
    const told = refusal({ ...key, CHECKPOINT_URL: url });
    assert.match(told, /CHECKPOINT_URL/, url);
    assert.doesNotMatch(told, /x-word/);
  }
  assert.match(refusal({ CHECKPOINT_URL: 'https://e.com/' }), /CHECKPOINT_URL needs SIGNING_KEY_URI/);
  for (const url of ['https://u:p@e.com/x', 'http://127.0.0.1:1/x', 'http://localhost/'])
    assert.equal(refusal({ ...key, CHECKPOINT_URL: url }), '', url);
});
