import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Installation, installation } from '../harness/installation.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';
import { call, program, start } from './call.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-cli-'));
after(() => rm(folder, { recursive: true }));
const signingKey = join(folder, 'signing.pem');
await writeFile(
  signingKey,
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
  {
    mode: 0o600,
  },
);

const rekey = await installation({ workerEnv: { SIGNING_KEY_URI: `file:${signingKey}` } });
/** Where nothing goes on. */
const idle = await installation({ workers: 0 });
const to = ({ apis, token }: Installation) => ({ REKEY_URL: apis[0]?.url ?? '', REKEY_TOKEN: token });
const working = to(rekey);
const still = to(idle);
const unknown = 'rot-00000000-0000-4000-8000-000000000000';

async function queued(): Promise<{ rotationId: string; tenantId: string }> {
  const { tenantId } = await idle.seedTenant(17);
  return { rotationId: (await idle.rotate(tenantId)).body.data.rotationId, tenantId };
}

test('a rotation is started, watched to its end, told of, and its certificate fetched and verified', async () => {
  const { tenantId } = await rekey.seedTenant(34);
  const watched = await call(working, 'rotate', '--tenant', tenantId, '--watch');
  assert.deepEqual([watched.code, watched.err], [0, '']);
  assert.match(
    watched.out,
    /^rot-\S+ {2}started: 10 credentials, 4 API keys, 20 secrets to re-encrypt under dek-/,
  );
  assert.match(watched.out, /^status {6}completed, done, 100 %$/m);
  assert.ok(!watched.out.includes('\x1b'), 'nothing is drawn where there is no terminal');
  const [rotationId = ''] = /rot-\S+/.exec(watched.out) ?? [];

  assert.match(
    (await call(working, 'status', rotationId)).out,
    /^remaining {3}0 credentials, 0 API keys, 0 secrets$/m,
  );
  const told = JSON.parse((await call(working, 'status', rotationId, '--json')).out);
  assert.deepEqual([told.rotationId, told.status], [rotationId, 'completed']);
  assert.equal((await call(working, 'wait', rotationId)).code, 0);
  const story = await call(working, 'explain', rotationId);
  assert.equal(story.code, 0);
  assert.match(story.out, /^On \S+ at \S+ UTC, Ada Example \(ada\) asked for a new key for the tenant /);
  assert.match(story.out, /The workers re-encrypted 34 records\.\n/);
  assert.match(story.out, /The database counted no record on an older key, and the rotation completed on /);
  assert.deepEqual(await call(working, 'failures', rotationId), {
    code: 0,
    out: '',
    err: 'There is none.\n',
  });

  const certificate = await until(
    async () => {
      const { code, out } = await call(working, 'certificate', 'get', rotationId, '--form', 'jws');
      return code === 0 && out;
    },
    { what: 'a certificate', everyMs: 500 },
  );
  const file = join(folder, 'certificate');
  const jwks = join(folder, 'jwks.json');
  await writeFile(file, certificate);
  await writeFile(jwks, (await call(working, 'certificate', 'keys')).out);
  const verified = await call({}, 'certificate', 'verify', file, '--jwks', jwks);
  assert.deepEqual([verified.code, verified.err], [0, '']);
  assert.ok(verified.out.includes(rotationId));
  const verdict = JSON.parse((await call({}, 'certificate', 'verify', file, '--jwks', jwks, '--json')).out);
  assert.equal(verdict.verified, true);
  assert.match((await call(working, 'certificate', 'get', rotationId)).out, /^\{"payload/);
  await writeFile(file, certificate.slice(0, -20));
  assert.equal((await call({}, 'certificate', 'verify', file, '--jwks', jwks)).code, 1);
  assert.equal((await call({}, 'certificate', 'verify', file)).code, 2);

  for (const [again, code] of [
    [['cancel', rotationId, '--yes'], 3],
    [['pause', rotationId], 3],
    [['retry', rotationId], 3],
  ] as const)
    assert.equal((await call(working, ...again)).code, code, again.join(' '));
});

test('one that does not go on: paused, resumed, waited for in vain, cancelled by whoever says so', async () => {
  const { rotationId, tenantId } = await queued();
  const taken = await call(still, 'rotate', '--tenant', tenantId);
  assert.deepEqual([taken.code, taken.out], [3, '']);
  assert.ok(taken.err.includes(rotationId));
  const asJson = await call(still, 'rotate', '--tenant', tenantId, '--json');
  const { error, exitCode } = JSON.parse(asJson.err);
  assert.deepEqual([error.code, error.rotationId, exitCode], ['ROTATION_IN_PROGRESS', rotationId, 3]);

  assert.match((await call(still, 'pause', rotationId, '--reason', 'a sale')).out, /^status {6}paused/m);
  assert.match((await call(still, 'explain', rotationId)).out, /paused by .*a sale/);
  assert.match((await call(still, 'limit', rotationId, '500')).out, /^at most {5}500 records/m);
  assert.doesNotMatch((await call(still, 'limit', rotationId, 'none')).out, /at most/);
  assert.equal((await call(still, 'limit', rotationId, '0')).code, 2);
  assert.match((await call(still, 'resume', rotationId)).out, /^status {6}in progress/m);
  const late = await call(still, 'wait', rotationId, '--timeout', '2s');
  assert.equal(late.code, 124);
  assert.equal((await call(still, 'certificate', 'get', rotationId)).code, 4);

  const refused = await call(still, 'cancel', rotationId);
  assert.deepEqual([refused.code, refused.out], [2, '']);
  assert.match(refused.err, /Without a terminal it needs --yes/);
  assert.equal((await idle.status(rotationId)).body.data.status, 'in_progress');
  assert.match((await call(still, 'cancel', rotationId, '--yes')).out, /^status {6}cancelled/m);
  assert.equal((await call(still, 'wait', rotationId)).code, 7);
  assert.match((await call(still, 'explain', rotationId)).out, /never became active/);
});

test('Ctrl-C ends the watching and not the rotation, and says so', async () => {
  const { rotationId } = await queued();
  const watching = start(process.execPath, [program, 'wait', rotationId], still);
  await until(() => watching.out().includes('queued'), { what: 'a first line' });
  watching.kill('SIGINT');
  const { code, err } = await watching.ended;
  assert.equal(code, 130);
  assert.match(err, new RegExp(`^Not watched any more; ${rotationId} goes on\\.`));
  assert.equal((await idle.status(rotationId)).body.data.status, 'in_progress');
});

test('a list is narrowed, limited, paged through, and may be read in part', async () => {
  const made = [await queued(), await queued(), await queued()];
  const of = async (...args: string[]): Promise<string[]> =>
    JSON.parse((await call(still, 'list', '--json', ...args)).out).rotations.map(
      ({ rotationId }: { rotationId: string }) => rotationId,
    );
  assert.deepEqual(await of('--tenant', made[1]?.tenantId ?? ''), [made[1]?.rotationId]);
  assert.deepEqual(await of('--limit', '2'), [made[2]?.rotationId, made[1]?.rotationId]);
  assert.deepEqual(await of('--status', 'completed'), []);
  const some = await call(still, 'list', '--limit', '1');
  assert.match(
    some.out,
    new RegExp(`^ROTATION\tTENANT\t.*\n${made[2]?.rotationId}\t.*\tin progress\t.*Z\n$`),
  );
  assert.match(some.err, /There are more/);
  assert.equal((await call(still, 'list', '--status', 'lost')).code, 2);

  const pipe = 'set -o pipefail; "$0" "$1" list --all | true';
  const cut = await start('bash', ['-c', pipe, process.execPath, program], still).ended;
  assert.deepEqual(cut, { code: 141, out: '', err: '' });
});

test('what is not there, not permitted, not to be reached or not called rightly has its exit code', async () => {
  const { tenantId } = await rekey.seedTenant(17);
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const nobody = signHs256(rekey.jwtSecret, { sub: 'eve', roles: ['security_auditor'], tenantId, exp });
  const forged = signHs256('x'.repeat(40), { sub: 'eve', roles: ['super_admin'], exp });
  const rows: ReadonlyArray<readonly [env: Record<string, string>, args: string[], code: number]> = [
    [working, ['status', unknown], 4],
    [working, ['explain', unknown], 4],
    [working, ['rotate', '--tenant', unknown.slice(4)], 4],
    [working, ['status', 'no-rotation'], 4],
    [{ ...working, REKEY_TOKEN: nobody }, ['rotate', '--tenant', tenantId], 8],
    [{ ...working, REKEY_TOKEN: forged }, ['status', unknown], 8],
    [{ ...working, REKEY_URL: 'http://127.0.0.1:1' }, ['status', unknown], 5],
    [{ ...working, REKEY_URL: 'ftp://127.0.0.1' }, ['status', unknown], 2],
    [{ REKEY_URL: working.REKEY_URL }, ['status', unknown], 2],
    [working, [], 2],
    [working, ['help'], 0],
    [working, ['rotat'], 2],
    [working, ['status'], 2],
    [working, ['rotate'], 2],
    [working, ['status', unknown, '--token', 'abc'], 2],
    [working, ['wait', unknown, '--timeout', '5'], 2],
  ];
  for (const [env, args, code] of rows) {
    const said = await call(env, ...args);
    assert.equal(said.code, code, `${args.join(' ')}: ${said.err}`);
    assert.ok(!said.err.includes('    at '), 'no stack');
    assert.doesNotMatch(said.err, /^rekey: [a-z]+[A-Z]\w+ /, 'no name of an operation');
    for (const token of [nobody, forged, rekey.token]) assert.ok(!said.err.includes(token));
  }
});

test('a token file is read if nobody else can', async () => {
  const file = join(folder, 'token');
  await writeFile(file, `${rekey.token}\n`);
  const env = { REKEY_URL: working.REKEY_URL, REKEY_TOKEN_FILE: file };
  for (const mode of [0o644, 0o640, 0o604, 0o620]) {
    await chmod(file, mode);
    const { code, err } = await call(env, 'list');
    assert.equal(code, 2);
    assert.match(err, /others can get at it/);
    assert.ok(!err.includes(rekey.token));
  }
  await chmod(file, 0o600);
  assert.equal((await call(env, 'list')).code, 0);
  assert.equal((await call({ REKEY_URL: working.REKEY_URL }, 'list', '--token-file', file)).code, 0);
  assert.equal((await call({ ...env, REKEY_TOKEN_FILE: `${file}-lost` }, 'list')).code, 2);
});

const terminal = '/usr/bin/script';
test('in a terminal', { skip: existsSync(terminal) ? false : 'there is no script(1)' }, async () => {
  const typed = (env: Record<string, string>, args: string, input: string) =>
    start(terminal, ['-qefc', `'${process.execPath}' '${program}' ${args}`, '/dev/null'], env, input).ended;
  const { rotationId, tenantId } = await queued();
  const coloured = { ...still, TERM: 'xterm' };
  assert.ok((await typed(coloured, `status ${rotationId}`, '')).out.includes('\x1b[1min progress'));
  assert.ok(!(await typed({ ...coloured, NO_COLOR: '1' }, `status ${rotationId}`, '')).out.includes('\x1b'));
  assert.ok((await typed(coloured, `wait ${rotationId} --timeout 2s`, '')).out.includes('\x1b[K'));
  const dumb = await typed({ ...still, TERM: 'dumb' }, `wait ${rotationId} --timeout 2s`, '');
  assert.deepEqual([dumb.code, dumb.out.includes('\x1b')], [124, false]);
  assert.equal((await typed(coloured, `cancel ${rotationId}`, 'no\n')).code, 2);
  assert.equal((await idle.status(rotationId)).body.data.status, 'in_progress');
  assert.equal((await typed(coloured, `cancel ${rotationId}`, `${tenantId}\n`)).code, 0);
  assert.equal((await idle.status(rotationId)).body.data.status, 'cancelled');
});
