import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { call } from './call.ts';
import { callHere } from './in-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-cli-'));
after(() => rm(folder, { recursive: true }));
const rekey = await installation({ workers: 0 });
const REKEY_URL = rekey.apis[0]?.url ?? '';
const admin = { REKEY_URL, REKEY_TOKEN: rekey.token };
const { tenantId } = await rekey.seedTenant(17);
const { rotationId } = (await rekey.rotate(tenantId)).body.data;

test('what was recorded is listed, narrowed and paged through', async () => {
  const all = await callHere(admin, 'audit', 'list', '--all', '--json');
  const { events, more } = JSON.parse(all.out);
  assert.deepEqual([all.code, more], [0, false]);
  assert.ok(events.length > 3);
  const one = await callHere(admin, 'audit', 'list', '--tenant', tenantId, '--kind', 'rotation.requested');
  assert.match(
    one.out,
    new RegExp(`^RECORDED.*\\n\\S+Z\\trotation\\.requested\\tuser ada\\t${tenantId}\\t${rotationId}\\n$`),
  );
  assert.deepEqual(
    await callHere(admin, 'audit', 'list', '--rotation', rotationId, '--kind', 'rotation.requested'),
    one,
  );
  const some = await callHere(admin, 'audit', 'list', '--limit', '1');
  assert.equal(some.out.split('\n').length, 3);
  assert.match(some.out, /^RECORDED \(UTC\)\tEVENT\tBY\tOF\tROTATION\n\S+Z\t/);
  assert.match(some.err, /There are more/);
  assert.equal((await callHere(admin, 'audit', 'list', '--after', 'never')).code, 2);
  assert.equal((await callHere(admin, 'audit', 'list', '--actor', 'nobody')).err, 'There is none.\n');
});

test('why a rotation was started is recorded with it', async () => {
  const { tenantId: other } = await rekey.seedTenant(17);
  assert.equal((await callHere(admin, 'rotate', '--tenant', other, '--reason', 'a laptop was lost')).code, 0);
  const listed = await callHere(
    admin,
    'audit',
    'list',
    '--tenant',
    other,
    '--kind',
    'rotation.requested',
    '--json',
  );
  assert.equal(JSON.parse(listed.out).events[0].event.payload.reason, 'a laptop was lost');
  assert.equal((await callHere(admin, 'rotate', '--tenant', other, '--reason', '')).code, 2);
});

test('an export in either form is verified offline; one that was cut off is told', async () => {
  const of = ['--tenant', tenantId];
  for (const form of ['jsonl', 'csv']) {
    const exported = await call(admin, 'audit', 'export', ...of, '--form', form);
    assert.deepEqual([exported.code, exported.err], [0, '']);
    const file = join(folder, `audit.${form}`);
    await writeFile(file, exported.out);
    const verified = await callHere({}, 'audit', 'verify', file);
    assert.deepEqual([verified.code, verified.err], [0, ''], verified.out);
    assert.match(verified.out, /^whole /);
    await writeFile(file, exported.out.replace(/ada/, 'eve'));
    assert.equal((await callHere({}, 'audit', 'verify', file, '--json')).code, 1);
  }
  assert.equal((await callHere({}, 'audit', 'verify', join(folder, 'lost'))).code, 2);
  assert.equal((await callHere(admin, 'audit', 'export', '--json')).code, 2);
  assert.equal((await callHere(admin, 'audit', 'export', '--checkpoint', '99999')).code, 2);
  assert.equal((await callHere({ ...admin, REKEY_TOKEN: 'none' }, 'audit', 'export')).code, 8);
  assert.equal((await callHere({ ...admin, REKEY_URL: 'http://127.0.0.1:1' }, 'audit', 'export')).code, 5);
});

test('an export that ends too early, or would be obeyed by a terminal, is none', async () => {
  const answers = ['{"format":"rekey-audit/v1"}\n{"event":{}}\n', '\x1b[2J{"end":true,"events":0}\n'];
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/jsonl' }).end(answers.shift()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const there = { REKEY_URL: `http://127.0.0.1:${address.port}`, REKEY_TOKEN: 'abc' };
  const cut = await callHere(there, 'audit', 'export');
  assert.deepEqual([cut.code, /cut off/.test(cut.err)], [5, true]);
  const obeyed = await callHere(there, 'audit', 'export');
  assert.deepEqual([obeyed.code, obeyed.out], [1, '']);
});

test('a token for trials is what its role and tenant say, and no more', async () => {
  const env = { JWT_SECRET: rekey.jwtSecret };
  const made = async (...args: string[]): Promise<string> => {
    const said = await callHere(env, 'token', ...args);
    assert.equal(said.code, 0, said.err);
    assert.match(said.err, /For trials/);
    return said.out.trim();
  };
  const as = (token: string) => ({ REKEY_URL, REKEY_TOKEN: token });
  const { tenantId: other } = await rekey.seedTenant(17);
  const mighty = as(await made('--role', 'super_admin', '--sub', 'grace'));
  assert.equal((await callHere(mighty, 'status', rotationId)).code, 0);
  const own = as(await made('--role', 'security_admin', '--tenant', tenantId, '--expires', '5m'));
  assert.equal((await callHere(own, 'status', rotationId)).code, 0);
  assert.equal((await callHere(own, 'rotate', '--tenant', other)).code, 8);
  const reads = as(await made('--role', 'security_auditor', '--tenant', tenantId));
  assert.equal((await callHere(reads, 'status', rotationId)).code, 0);
  assert.equal((await callHere(reads, 'pause', rotationId)).code, 8);
  const told = JSON.parse((await callHere(env, 'token', '--role', 'super_admin', '--json')).out);
  assert.match(told.warning, /For trials/);
  assert.ok(Date.parse(told.expiresAt) > Date.now());
  for (const [more, args] of [
    [{}, []],
    [{}, ['--role', 'root']],
    [{}, ['--role', 'security_admin']],
    [{}, ['--role', 'super_admin', '--expires', '25h']],
    [{ JWT_SECRET: 'short' }, ['--role', 'super_admin']],
    [{ JWT_SECRET: undefined }, ['--role', 'super_admin']],
  ] as const)
    assert.equal((await callHere({ ...env, ...more }, 'token', ...args)).code, 2, args.join(' '));
});
