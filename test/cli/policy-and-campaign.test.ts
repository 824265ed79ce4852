import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { answering, callHere } from './in-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-cli-policy-'));
after(() => rm(folder, { recursive: true }));
const rekey = await installation();
const env = { REKEY_URL: rekey.apis[0]?.url ?? '', REKEY_TOKEN: rekey.token };
const tenants = [await rekey.seedTenant(17), await rekey.seedTenant(4)];
const ids = tenants.map(({ tenantId }) => tenantId);
const [tenantId = ''] = ids;
const file = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
const windows = [{ days: ['sat', 'sun'], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' }];

test('a policy is put from a file and read back, with what is the default’s said', async () => {
  const standard = await file('default.json', JSON.stringify({ rotateEveryDays: 400 }));
  const unasked = await callHere(env, 'policy', 'set', standard, '--default');
  assert.deepEqual([unasked.code, unasked.out], [2, '']);
  const put = await callHere(env, 'policy', 'set', standard, '--default', '--yes');
  assert.equal(put.code, 0, put.err);
  assert.match(put.out, /^version 1, put /);

  const own = await file('own.json', JSON.stringify({ windows, destroyAfterDays: null }));
  const of = ['--tenant', tenantId];
  assert.equal((await callHere(env, 'policy', 'set', own, ...of, '--reason', 'weekends')).code, 0);
  const told = await callHere(env, 'policy', 'get', ...of);
  assert.match(told.out, /rotateEveryDays +every 400 days {2}\(the default’s\)\n/);
  assert.match(told.out, /windows +sat sun 22:00 to 04:00 \(Europe\/Berlin\)\n/);

  // What `get --json` prints is what `set` takes.
  const printed = await callHere(env, 'policy', 'get', ...of, '--json');
  const again = await callHere(env, 'policy', 'set', await file('again.json', printed.out), ...of, '--json');
  assert.deepEqual(JSON.parse(again.out).policy, { windows, destroyAfterDays: null });
  assert.equal(JSON.parse(again.out).version, 1, 'it says that already');
});

test('tenants are listed with how their keys stand, once a worker has looked', async () => {
  const listed = await until(
    async () => {
      const { code, out } = await callHere(env, 'tenants', '--level', 'fresh', '--json');
      assert.equal(code, 0);
      const found: { tenants: { tenantId: string }[] } = JSON.parse(out);
      return found.tenants.length === ids.length ? found.tenants : null;
    },
    { what: 'a worker has looked', timeoutMs: 60_000, everyMs: 250 },
  );
  assert.deepEqual(listed.map((one) => one.tenantId).sort(), [...ids].sort());
  const { out } = await callHere(env, 'tenants', '--tenant', tenantId);
  assert.match(out, new RegExp(`^${tenantId}\t[^\t]+\tfresh\t`, 'm'));
  const shown = await callHere(env, 'tenant', 'show', tenantId);
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^key +dek-\S+, no\. 1, 0 days old$/m);
  assert.match(shown.out, /^records +17 of 17 under it, 100 %$/m);
  assert.match(shown.out, /^standing +fresh, due from /m);
  assert.match(shown.out, /rotateEveryDays +every 400 days {2}\(the default’s\)$/m);
  assert.match(shown.out, /windows +sat sun 22:00 to 04:00 \(Europe\/Berlin\)$/m);
  assert.equal((await callHere(env, 'tenant', 'show', 'no-uuid')).code, 4);
  const none = await callHere(env, 'tenants', '--level', 'overdue');
  assert.deepEqual([none.code, none.out, none.err], [0, '', 'There is none.\n']);
  assert.equal((await callHere(env, 'tenants', '--level', 'late')).code, 2);
});

test('what is no policy is refused before anything is sent, and by the API what is none to it', async () => {
  const of = ['--tenant', tenantId];
  for (const [text, says] of [
    ['[]', /is no policy/],
    ['{', /is no JSON/],
  ] as const) {
    const { code, err } = await callHere(env, 'policy', 'set', await file('odd.json', text), ...of);
    assert.equal(code, 2);
    assert.match(err, says);
  }
  assert.equal((await callHere(env, 'policy', 'set', join(folder, 'none.json'), ...of)).code, 2);
  assert.equal((await callHere(env, 'policy', 'get')).code, 2);
  assert.equal((await callHere(env, 'policy', 'get', ...of, '--default')).code, 2);
  const unknown = await file('unknown.json', '{"rotateEvery": 3}');
  assert.equal((await callHere(env, 'policy', 'set', unknown, ...of)).code, 2);
});

test('a campaign over tenants of a file runs to its end, and each tenant is told of', async () => {
  const path = await file('ids', `${ids.join('\n')}\n`);
  const bounds = ['--canaries', '1', '--at-once', '2', '--order', 'as_given'];
  const started = await callHere(env, 'campaign', 'start', '--tenants', path, ...bounds, '--json');
  assert.equal(started.code, 0, started.err);
  const { campaignId } = JSON.parse(started.out);
  await until(
    async () => {
      const { out } = await callHere(env, 'campaign', 'status', campaignId);
      return /^status +completed, 100 %\ntenants +2 completed$/m.test(out);
    },
    { timeoutMs: 60_000, everyMs: 200, what: 'the campaign completes' },
  );
  const listed = await callHere(env, 'campaign', 'tenants', campaignId, '--state', 'completed');
  assert.deepEqual(
    listed.out
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t')[0]),
    [...ids, ''],
  );
  assert.match(listed.out, /\tcompleted\trot-/);
  assert.match(
    (await callHere(env, 'campaign', 'list')).out,
    new RegExp(`^${campaignId}\trotate\t\\w.*\t2\t`, 'm'),
  );
  for (const verb of ['pause', 'resume', 'cancel'])
    assert.equal((await callHere(env, 'campaign', verb, campaignId)).code, 3, verb);
});

test('for whom is said once, and what touches many is not done without a word', async () => {
  const start = (...words: string[]) => callHere(env, 'campaign', 'start', ...words);
  for (const words of [
    [],
    ['--all', '--older-than', '3'],
    ['--older-than', '-1'],
    ['--all', '--at-once', '0'],
  ])
    assert.equal((await start(...words)).code, 2, words.join(' '));
  const unasked = await start('--all');
  assert.deepEqual([unasked.code, unasked.out], [2, '']);
  assert.match(unasked.err, /This is for 2 tenants\. Without a terminal it needs --yes/);
  const wrong = await answering('3', env, 'campaign', 'start', '--all');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /That is not how many: nothing was done/);
  const right = await answering('2', env, 'campaign', 'start', '--all', '--json');
  assert.equal(right.code, 0, right.err);
  assert.equal(JSON.parse(right.out).tenantsTotal, 2);
  const many = await file('many', Array.from({ length: 11 }, () => crypto.randomUUID()).join(' '));
  assert.match((await start('--tenants', many)).err, /11 tenants\. Without a terminal it needs --yes/);
  assert.equal((await start('--tenants', many, '--yes')).code, 4, 'nobody knows them');
  assert.equal((await start('--tenants', join(folder, 'none'))).code, 2);
  assert.equal((await start('--all', '--rewrap-under', 'nobodys', '--yes')).code, 4);
  assert.equal((await callHere(env, 'campaign', 'status', `campaign-${crypto.randomUUID()}`)).code, 4);
});

test('what a campaign would take is said, without one', async () => {
  const before = (await callHere(env, 'campaign', 'list')).out;
  const told = await callHere(env, 'campaign', 'simulate', '--all', '--per-hour', '1');
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /^2 tenants, \d of them skipped; \d+ records\n {2}takes /);
  const { out } = await callHere(env, 'campaign', 'simulate', '--older-than', '3', '--json');
  assert.equal(JSON.parse(out).tenantsTotal, 0);
  assert.equal((await callHere(env, 'campaign', 'simulate')).code, 2);
  assert.equal((await callHere(env, 'campaign', 'list')).out.split('\n').length, before.split('\n').length);
});
