import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dekWrapAad } from '@rekey/envelope';
import { signerOf } from '@rekey/evidence';
import { createLocalKeyFile, openKek } from '@rekey/kms';
import { createLogger } from '@rekey/runtime';
import { LINES_KEPT, startRedis } from '@rekey/stack';
import { createKeepLog } from '@rekey/worker';
import { Redis } from 'ioredis';
import { damage, flipBit } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import {
  databaseContents,
  formsOf,
  leaksIn,
  listenIn,
  redisContents,
  type Secret,
} from '../harness/leaks.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const database = await createTestDatabase();
const pool = database.pool();
const server = await startRedis();
const folder = await mkdtemp(join(tmpdir(), 'rekey-leaks-'));
test.after(() => rm(folder, { recursive: true }));
const signingKey = join(folder, 'signing.pem');
const { privateKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
await writeFile(signingKey, pem, { mode: 0o600 });
const rekey = await installation({
  databaseUrl: database.url,
  redis: { url: server.url, prefix: '{rekey}' },
  apiEnv: { LOG_LEVEL: 'debug' },
  workerEnv: { LOG_LEVEL: 'debug', BATCH_SIZE: '20', SIGNING_KEY_URI: `file:${signingKey}` },
});
const redis = new Redis(server.url);
test.after(async () => {
  redis.disconnect();
  await server.stop();
});

const marker = `the-plaintext-${randomBytes(18).toString('hex')}`;
const badToken = signHs256('a secret that is not the right one, at all', { sub: 'eve', exp: 9_999_999_999 });
const secrets: Secret[] = [
  { name: 'plaintext', bytes: Buffer.from(marker) },
  { name: 'KEK', bytes: await readFile(rekey.kekFile) },
  { name: 'token', bytes: Buffer.from(rekey.token) },
  { name: 'signature of the token', bytes: Buffer.from(rekey.token.split('.')[2] ?? '') },
  { name: 'rejected token', bytes: Buffer.from(badToken) },
  { name: 'signing key', bytes: privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32) },
  { name: 'JWT secret', bytes: Buffer.from(rekey.jwtSecret) },
  { name: "Redis' password", bytes: Buffer.from(new URL(server.url).password) },
  { name: "Postgres' password", bytes: Buffer.from(new URL(database.url).password) },
];

/** Every answer as it came, headers and all. */
const answers: string[] = [];

async function call(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin${path}`, {
    ...init,
    headers: { authorization: `Bearer ${rekey.token}`, accept: 'application/json', ...init.headers },
  });
  const text = await answer.text();
  answers.push(`${answer.status} ${JSON.stringify([...answer.headers])} ${text}`);
  return { status: answer.status, text };
}

function rotateCall(tenantId: string, headers: Record<string, string> = {}, body: unknown = { tenantId }) {
  return call('/dek/rotate', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-tenantid': tenantId, ...headers },
    body: JSON.stringify(body),
  });
}

/** Follows a rotation to its end, looking into Redis at every step. */
async function followed(tenantId: string): Promise<string> {
  const started = await rotateCall(tenantId);
  const { rotationId } = JSON.parse(started.text).data;
  for (;;) {
    contents.push(await redisContents(redis));
    const { status, text } = await call(`/dek/rotations/${rotationId}`);
    if (status === 503) continue; // on a busy machine: come again
    assert.equal(status, 200, text);
    if (JSON.parse(text).data.completedAt !== null) break;
  }
  await call(`/dek/rotations/${rotationId}/failures`);
  return rotationId;
}
const contents: string[] = [];

/** Certificates of that rotation, the audit in both forms, checkpoints and keys: what is handed out as evidence. */
async function evidenceOf(rotationId: string): Promise<string[]> {
  const log: string[] = [];
  const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });
  const key = signerOf(createPrivateKey(await readFile(signingKey)));
  const signer = async () => key;
  const file = join(folder, 'checkpoints');
  const keepLog = createKeepLog({ store: rekey.store, signer, file, logger });
  // A worker does the same now and then, and while it does this one passes on.
  await until(
    async () => {
      await keepLog.append(true);
      await keepLog.checkpoint();
      return readFile(file).catch(() => undefined);
    },
    { what: 'a checkpoint' },
  );
  const evidence = [await readFile(file, 'utf8'), ...log];
  for (const [path, accept] of [
    [`/dek/rotations/${rotationId}/certificate`, 'application/vnd.dsse+json'],
    [`/dek/rotations/${rotationId}/certificate`, 'application/jose'],
    ['/audit', 'application/json'],
    ['/audit/checkpoints', 'application/json'],
    ['/audit/export', 'application/jsonl'],
    ['/audit/export', 'text/csv'],
    ['/keys', 'application/json'],
  ] as const)
    evidence.push(
      await until(
        async () => {
          const { status, text } = await call(path, { headers: { accept } });
          return status === 200 ? text : undefined;
        },
        { what: `${path} as ${accept}` },
      ),
    );
  return evidence;
}

async function seeded(): Promise<string> {
  const tenantId = randomUUID();
  await rekey.vault.createTenant({ tenantId, name: 'a tenant' });
  const records = Array.from({ length: 200 }, () => ({
    id: randomUUID(),
    value: Buffer.from(marker),
    columns: { name: 'a record' },
  }));
  await rekey.vault.putMany({ target: 'secrets', tenantId, records });
  await damage(pool, 'secrets', records[0]?.id ?? '', flipBit);
  return tenantId;
}

test('no plaintext, key, token or password is in any log, Redis key, job, command or answer', async (t) => {
  const wire = await listenIn(server.url);
  const tenantId = await seeded();
  await followed(tenantId); // with a failure
  await followed(tenantId);
  // What is refused must not be repeated either.
  assert.equal((await rotateCall(tenantId, { authorization: `Bearer ${badToken}` })).status, 401);
  assert.equal((await rotateCall(tenantId, { authorization: `Basic ${rekey.jwtSecret}` })).status, 401);
  assert.equal((await rotateCall(tenantId, {}, { tenantId, password: marker })).status, 400);
  assert.equal((await rotateCall(tenantId, { 'x-tenantid': marker })).status, 400);
  // A worker with another KEK, which refuses to start; one that tries all the same; and trouble with both servers.
  await rekey.workers[0]?.stop();
  await createLocalKeyFile(`${rekey.kekFile}-other`);
  secrets.push({ name: 'other KEK', bytes: await readFile(`${rekey.kekFile}-other`) });
  const otherKek = `local:${rekey.kekFile}-other`;
  const refused = await rekey.addWorker({ KEK_URI: otherKek }).then(
    () => assert.fail('it started'),
    (error: Error) => error.message,
  );
  const mistaken = await workerHere(rekey, await openKek(otherKek), t);
  const waiting = followed(tenantId);
  await until(() => mistaken.log.some((line) => line.includes('"code":"NOT_HELD"')), {
    what: 'it has tried',
  });
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'rekey-%'`,
  );
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await rekey.addWorker();
  await waiting;
  const evidence = await evidenceOf(await followed(tenantId));
  const dump = [await databaseContents(pool)];

  const { rows } = await pool.query<{ id: string; wrapped: Buffer; tenant_id: string }>(
    'select d.id, d.tenant_id, m.wrapped from rekey.deks d join rekey.dek_material m on m.dek_id = d.id',
  );
  for (const { id, tenant_id, wrapped } of rows)
    secrets.push({ name: `DEK ${id}`, bytes: await rekey.kek.unwrap(wrapped, dekWrapAad(tenant_id, id)) });
  wire.stop();

  const logs = [...rekey.apis, ...rekey.workers].map((process) => process.logs());
  logs.push(mistaken.log.join('\n'), refused);
  for (const log of logs) assert.ok(log.split('\n').length < LINES_KEPT, 'the whole log was kept');
  const auth = new Set(['auth', 'hello']); // how a client says the password to Redis itself
  const commands = wire.heard.filter((command) => !auth.has(command.split(' ', 1)[0]?.toLowerCase() ?? ''));
  const places = { logs, contents, commands, answers, evidence, dump };
  for (const [place, texts] of Object.entries(places)) {
    assert.ok(texts.join('').length > 1_000, `nothing was seen of ${place}`);
    assert.deepEqual(leaksIn(texts.join('\n'), secrets), [], place);
  }
  t.diagnostic(
    `${secrets.length} secrets in ${secrets.reduce((sum, secret) => sum + formsOf(secret).length, 0)} forms, looked for in ` +
      Object.entries(places)
        .map(([place, texts]) => `${Math.round(texts.join('').length / 1_000)} kB of ${place}`)
        .join(', '),
  );
  assert.ok(secrets.filter(({ name }) => name.startsWith('DEK')).length >= 3);
  assert.ok(
    wire.heard.some((command) => command.includes('rotate-')),
    'job data went over that wire',
  );
  await mistaken.close();
});

test('what this test looks for it would find, in every form and place', async () => {
  for (const secret of secrets) {
    for (const { form, text } of formsOf(secret))
      assert.ok(leaksIn(`{"msg":"${text}"}`, [secret]).length > 0, `${secret.name} as ${form}`);
    const wrapped = Buffer.concat([Buffer.from('x'), secret.bytes, Buffer.from('yz')]).toString('base64');
    assert.notDeepEqual(leaksIn(wrapped, [secret]), [], `${secret.name} within other bytes`);
  }
  const [plaintext] = secrets;
  assert.ok(plaintext);
  const wire = await listenIn(server.url);
  await redis.hset('{rekey}:rotations:planted', 'data', JSON.stringify({ value: plaintext.bytes }));
  await redis.zadd('{rekey}:planted', 1, plaintext.bytes.toString('hex'));
  assert.deepEqual(leaksIn(await redisContents(redis), [plaintext]), [
    'plaintext as hex',
    'plaintext as decimals',
  ]);
  assert.deepEqual(leaksIn(wire.heard.join('\n'), [plaintext]), [
    'plaintext as hex',
    'plaintext as decimals',
  ]);
  wire.stop();
  const before = leaksIn(await databaseContents(pool), [plaintext]);
  assert.deepEqual(before, []);
  await pool.query('create table planted (a bytea, b text)');
  await pool.query('insert into planted values ($1, $2)', [
    plaintext.bytes,
    plaintext.bytes.toString('base64url'),
  ]);
  const found = leaksIn(await databaseContents(pool), [plaintext]);
  assert.deepEqual(
    [...new Set(found)],
    ['plaintext as hex', 'plaintext as base64', 'plaintext as base64url'],
  );
});
