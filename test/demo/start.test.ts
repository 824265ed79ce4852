import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { conforms, RotateResponse, RotationResponse } from '@rekey/contract';
import { tenantId } from '@rekey/demo';
import { createTestDatabase } from '../harness/database.ts';
import { testRedis } from '../harness/redis.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';
import { pasted, urlOf } from './printed.ts';
import { type Program, startProgram } from './program.ts';

const database = await createTestDatabase();
const redis = testRedis();
const given = { DATABASE_URL: database.url, REDIS_URL: redis.url, QUEUE_PREFIX: redis.prefix };
const curlIsHere = spawnSync('curl', ['--version']).status === 0;

/** Runs what was pasted; where there is no curl, reads the call out of it and makes it. */
async function run(command: string): Promise<unknown> {
  if (curlIsHere) return JSON.parse((await promisify(execFile)('bash', ['-c', command])).stdout);
  const headers = Array.from(command.matchAll(/-H '([^:]+): ([^']+)'/g), ([, name = '', value = '']) => [
    name,
    value,
  ]);
  const [, url = ''] = /(http:\S+)/.exec(command) ?? [];
  const [, body = ''] = /-d '([^']+)'/.exec(command) ?? [];
  return (await fetch(url, { method: 'POST', headers: Object.fromEntries(headers), body })).json();
}

/** The commands of a block of README.md, each in one line. */
async function commandsOf(heading: string): Promise<string[]> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const block =
    new RegExp(`^## ${heading}\\n[\\s\\S]*?^\`\`\`sh\\n([\\s\\S]*?)^\`\`\``, 'm').exec(readme)?.[1] ?? '';
  const lines = block.replaceAll('\\\n', '').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

async function statusOf(url: string, token: string, rotationId: string) {
  const headers = { authorization: `Bearer ${token}` };
  const answer: unknown = await (
    await fetch(`${url}/api/v1/admin/dek/rotations/${rotationId}`, { headers })
  ).json();
  assert.ok(conforms(RotationResponse, answer), JSON.stringify(answer));
  return answer.data;
}

async function completed(url: string, token: string, rotationId: string): Promise<void> {
  const done = await until(
    async () => {
      const rotation = await statusOf(url, token, rotationId);
      return rotation.completedAt === null ? null : rotation;
    },
    { what: 'the rotation to end', timeoutMs: 30_000 },
  );
  assert.equal(done.status, 'completed');
}

async function stop(stack: Program): Promise<void> {
  stack.kill('SIGINT');
  const { code } = await stack.exited;
  assert.equal(code, 0, stack.logs());
  assert.deepEqual(await stack.leftovers(), []);
}

/** What README.md says to type, as it stands there. */
async function followReadme(url: string, token: string): Promise<void> {
  const env: NodeJS.ProcessEnv = { ...process.env, URL: url, TOKEN: token, TENANT: tenantId };
  const [start = '', ...others] = await commandsOf('The HTTP API');
  const bash = async (line: string) => (await promisify(execFile)('bash', ['-c', line], { env })).stdout;
  const started: unknown = JSON.parse(await bash(start));
  assert.ok(conforms(RotateResponse, started), JSON.stringify(started));
  env.ROTATION = started.data.rotationId;
  assert.ok(others.length >= 7);
  for (const line of others) {
    const { success, error } = JSON.parse(await bash(line));
    // It may have ended before they were typed, or been cancelled before it switched.
    assert.ok(
      success || /^ROTATION_(FINISHED|SUPERSEDED)$/.test(error.code),
      `${line}: ${JSON.stringify(error)}`,
    );
  }
  const running = `curl -s "$URL/api/v1/admin/dek/rotations?status=in_progress" -H "Authorization: Bearer $TOKEN"`;
  await until(async () => JSON.parse(await bash(running)).data.rotations.length === 0, {
    what: 'it and the retry to end',
  });
  const [set = '', ...typed] = await commandsOf('Command line');
  assert.match(set, /^export REKEY_URL=/);
  assert.ok(typed.length >= 4);
  for (const line of typed) {
    // Without a key to sign with there is no certificate: then it says so.
    const unsigned = line.includes('certificate get');
    const told = line.replace(/> \S+$/, '').replace(/ +#.*$/, '');
    assert.notEqual(
      await bash(`${set.replace(/ +#.*$/, '')}\n${told}${unsigned ? ' 2>&1 || test $? = 4' : ''}`),
      '',
      line,
    );
  }
}

test('once ready, the curl commands work as they are pasted, and SIGINT ends all with 0', async (t) => {
  const stack = await startProgram('start', { ...given, PORT: '0' }, t);
  await stack.ready;
  const url = urlOf(stack);
  assert.match(stack.logs(), /✔ 85 records +25 credentials, 10 API keys, 50 secrets/);
  const command = pasted(stack, 'Start a rotation');
  const [, token = ''] = /Bearer ([\w.-]+)/.exec(command) ?? [];

  // The role of the printed URL is of this run: its password opens nothing afterwards.
  const library = pasted(stack, 'Try the library, from this folder');
  assert.ok(!library.includes(database.url));
  const tried = await promisify(execFile)('bash', ['-c', library.replace('npx node', process.execPath)]);
  assert.equal(tried.stdout, 'correct horse\n1 correct horse\ntrue\n');

  const answer = await run(command);
  assert.ok(conforms(RotateResponse, answer), JSON.stringify(answer));
  assert.deepEqual(answer.data.itemsToRotate, { credentials: 25, apiKeys: 10, secrets: 50 });
  await completed(url, token, answer.data.rotationId);

  const line = pasted(stack, 'Or by the command line, from this folder');
  const watched = await promisify(execFile)('bash', ['-c', line]);
  assert.match(watched.stdout, /^status +completed, done, 100 %$/m);

  if (curlIsHere) {
    const status = await run(
      pasted(stack, 'Start one and ask how it goes (README and docs take the same four variables)'),
    );
    assert.ok(conforms(RotationResponse, status), JSON.stringify(status));
    assert.notEqual(status.data.rotationId, answer.data.rotationId);
    await completed(url, token, status.data.rotationId);
    await followReadme(url, token);
  } else {
    t.diagnostic('no curl here: the second command was not run');
  }
  await stop(stack);
});

test('a second start finds the records and the KEK of the first, and takes the JWT_SECRET it is given', async (t) => {
  const secret = 'a secret for tests, of more than 32 bytes';
  const stack = await startProgram('start', { ...given, PORT: '0', JWT_SECRET: secret }, t);
  await stack.ready;
  assert.match(stack.logs(), /✔ 85 records +there already/);
  assert.ok(!stack.logs().includes(secret));

  const claims = { sub: 'me', roles: ['super_admin'], exp: Math.floor(Date.now() / 1_000) + 600 };
  const token = signHs256(secret, claims);
  const answer: unknown = await (
    await fetch(`${urlOf(stack)}/api/v1/admin/dek/rotate`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-tenantid': tenantId,
      },
      body: JSON.stringify({ tenantId }),
    })
  ).json();
  assert.ok(conforms(RotateResponse, answer), JSON.stringify(answer));
  await completed(urlOf(stack), token, answer.data.rotationId);
  await stop(stack);
});

test('a worker that dies is started again, and an API that dies ends everything with a sentence', async (t) => {
  const stack = await startProgram('start', { ...given, PORT: '0' }, t);
  await stack.ready;
  const before = await processesOf('worker');
  assert.equal(before.length, 2);
  await new Promise((resolve) => setTimeout(resolve, 5_500)); // one that dies at once would not be started again
  process.kill(before[0] ?? 0, 'SIGKILL');
  await until(async () => (await processesOf('worker')).filter((pid) => !before.includes(pid)).length === 1, {
    what: 'another worker',
  });
  assert.match(stack.logs(), /worker [12] +error ended by itself \(by SIGKILL\); starting it again/);

  const [api = 0] = await processesOf('api');
  process.kill(api, 'SIGKILL');
  const { code } = await stack.exited;
  assert.equal(code, 1);
  assert.match(stack.logs(), /^API ended by itself \(by SIGKILL\)\./m);
  assert.deepEqual(await processesOf('worker'), []);
});

test('a port that is asked for and taken is one clear sentence and exit code 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => {
    taken.close();
  });
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const stack = await startProgram('start', { ...given, PORT: String(address.port) }, t);
  const { code } = await stack.exited;
  assert.equal(code, 1);
  assert.match(stack.logs(), new RegExp(`^PORT: ${address.port} is taken on 127\\.0\\.0\\.1\\.$`, 'm'));
});

test('a tenant sealed under another KEK is one clear sentence and exit code 1', async (t) => {
  const stack = await startProgram(
    'start',
    { ...given, PORT: '0', KEK_URI: `local:${await otherKek(t)}` },
    t,
  );
  const { code } = await stack.exited;
  assert.equal(code, 1);
  assert.match(stack.logs(), /^The demo tenant of that database was sealed under another KEK than local:/m);
});

async function otherKek(owner: { after(cleanUp: () => Promise<void>): void }): Promise<string> {
  const { createLocalKeyFile } = await import('@rekey/kms');
  const { mkdtemp, rm } = await import('node:fs/promises');
  const folder = await mkdtemp('/tmp/rekey-test-');
  owner.after(() => rm(folder, { recursive: true }));
  await createLocalKeyFile(`${folder}/kek`);
  return `${folder}/kek`;
}

/** The processes of this file's stack: they alone have its queue prefix. */
async function processesOf(app: 'api' | 'worker'): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [command, environment] = await Promise.all(
      ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    const ours = environment?.includes(`QUEUE_PREFIX=${redis.prefix}\0`);
    if (ours && command?.includes(`apps/${app}/src/main.ts`)) found.push(Number(pid));
  }
  return found;
}
