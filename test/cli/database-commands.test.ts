import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLocalKeyFile } from '@rekey/kms';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { Pool } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { call } from './call.ts';
import { callHere } from './in-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-cli-'));
after(() => rm(folder, { recursive: true }));
const kekFile = join(folder, 'kek');
await createLocalKeyFile(kekFile);

/** Without anything in it. */
async function emptyDatabase(): Promise<{ url: string; pool: Pool }> {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
  const url = await createDatabase(adminUrl, name);
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  after(async () => {
    await pool.end();
    await dropDatabase(adminUrl, name);
  });
  return { url, pool };
}

test('a database is initialized once, brought up to date as often as wanted, and compared', async () => {
  const { url, pool } = await emptyDatabase();
  const env = { DATABASE_URL: url };
  assert.equal((await callHere(env, 'migrate', '--check')).code, 4);
  const first = await call(env, 'init');
  assert.deepEqual([first.code, first.err], [0, '']);
  for (const step of [/rekey\.grant_worker/, /rekey target register/, /start:worker/, /rekey doctor/])
    assert.match(first.out, step);
  const again = await callHere(env, 'init', '--json');
  assert.equal(again.code, 3);
  assert.equal(JSON.parse(again.err).error.code, 'SCHEMA_THERE');
  assert.deepEqual(await callHere(env, 'migrate'), { code: 0, out: 'The schema is up to date.\n', err: '' });
  assert.equal((await callHere(env, 'migrate', '--check')).code, 0);
  await pool.query('drop index rekey.rotations_by_dek');
  const drifted = await callHere(env, 'migrate', '--check', '--json');
  assert.equal(drifted.code, 1);
  assert.match(JSON.parse(drifted.out).drift[0], /rotations_by_dek/);
});

test('the tables that ship are left out where the application brings its own', async () => {
  const { url, pool } = await emptyDatabase();
  await pool.query('create table secrets (mine text)');
  const refused = await callHere({ DATABASE_URL: url }, 'init');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /public\.secrets/);
  const { code, out } = await callHere({ DATABASE_URL: url }, 'init', '--without-sample-tables', '--json');
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).initialized, true);
  const { rows } = await pool.query(`select to_regclass('public.api_keys') as there`);
  assert.deepEqual(rows, [{ there: null }]);
});

test('a table is checked with all that stands in the way, registered, and listed', async () => {
  const { url, pool } = await emptyDatabase();
  const env = { DATABASE_URL: url };
  await callHere(env, 'init', '--without-sample-tables');
  await pool.query(`create unlogged table tokens (id real, owner uuid, key_number bigint, sealed bytea)`);
  const asked = ['target', 'register', 'tokens', '--type', 'secrets', '--table', 'public.tokens'];
  const columns = ['--tenant-column', 'owner', '--ciphertext-column', 'sealed'];
  const checked = await callHere(env, ...asked, ...columns, '--check', '--json');
  const { registrable, problems } = JSON.parse(checked.out);
  assert.deepEqual([checked.code, registrable], [1, false]);
  assert.ok(problems.length >= 3, checked.out);
  const told = await callHere(env, ...asked, ...columns, '--check');
  for (const { code } of problems) assert.ok(told.out.includes(`(${code})`), code);
  const refused = await callHere(env, ...asked, ...columns);
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.deepEqual(JSON.parse((await callHere(env, 'target', 'list', '--json')).out), { targets: [] });

  await pool.query(`drop table tokens; create table tokens (id bigint primary key, owner uuid not null,
    key_number integer, sealed bytea) with (fillfactor = 90); create index on tokens (owner, id)`);
  const good = await callHere(env, ...asked, ...columns, '--check');
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /can be registered as tokens\. Nothing was changed\./);
  assert.equal((await callHere(env, 'target', 'list')).err, 'There is none.\n');
  const made = await callHere(env, ...asked, ...columns);
  assert.deepEqual([made.code, made.err], [0, '']);
  assert.match(
    (await callHere(env, 'target', 'list')).out,
    /^TARGET\t.*\ntokens\tsecrets\tpublic\.tokens\tid, owner, key_number, sealed\tregistered\n$/,
  );
  assert.equal((await callHere(env, ...asked, ...columns)).code, 1, 'twice');
  for (const wrong of [
    ['--type', 'secrets'],
    ['--table', 'public.tokens'],
    ['--type', 'jewels', '--table', 'x'],
  ])
    assert.equal((await callHere(env, 'target', 'register', 'tokens', ...wrong)).code, 2);
  const lost = ['target', 'register', 'x', '--type', 'secrets', '--table', 'public.lost'];
  assert.equal((await callHere(env, ...lost, '--check')).code, 4);
});

test('a database that is not given, not there or not open to one has its exit code', async () => {
  const { url } = await emptyDatabase();
  const away = new URL(url);
  away.port = '1';
  const stranger = new URL(url);
  stranger.username = 'nobody_of_that_name';
  stranger.password = 'wrong-secret';
  for (const command of [['init'], ['migrate'], ['target', 'list']])
    for (const [env, code] of [
      [{}, 2],
      [{ DATABASE_URL: 'mysql://x:wrong-secret@y/z' }, 2],
      [{ DATABASE_URL: away.href }, 5],
      [{ DATABASE_URL: stranger.href }, 8],
    ] as const) {
      const said = await callHere(env, ...command);
      assert.equal(said.code, code, `${command.join(' ')}: ${said.err}`);
      assert.ok(!said.err.includes('wrong-secret') && !said.err.includes('    at '), said.err);
    }
  assert.equal((await callHere({ DATABASE_URL: url }, 'target', 'list')).code, 4);
});
