import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { migrate } from '@rekey/schema';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { Pool } from 'pg';
import { testEnvironment } from '../harness/environment.ts';
import { installation } from '../harness/installation.ts';
import { olderNode } from '../harness/older-node.ts';
import { until } from '../harness/wait.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rekey-library-'));
after(() => rm(folder, { recursive: true, force: true }));

/** The database of an application that was there before Rekey, with tables of the names that Rekey's samples have. */
const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
const databaseUrl = await createDatabase(adminUrl, name);
after(() => dropDatabase(adminUrl, name));
const pool = new Pool({ connectionString: databaseUrl });
pool.on('error', () => {}); // the database goes first
after(() => pool.end());
await pool.query(`
  create table secrets (id text primary key, owner uuid not null, label text not null, key_no int, sealed bytea);
  create index on secrets (owner, id);
  create table credentials (id bigint, tenant_id uuid not null, url text not null, key_number int, ciphertext bytea,
    primary key (id), unique (tenant_id, id));
  create table api_keys (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
  create index on api_keys (tenant_id, id)`);
await migrate(databaseUrl, { withoutSampleTables: true });
await pool.query(`
  select rekey.register_target('mail_passwords', 'secrets', 'secrets', 'id', 'owner', 'key_no', 'sealed'),
    rekey.register_target('partner_logins', 'credentials', 'credentials'),
    rekey.register_target('tokens', 'apiKeys', 'api_keys')`);
const rekey = await installation({ databaseUrl });

const { stdout: packed } = await run(process.execPath, [join(root, 'packages/vault/pack/main.ts'), folder]);
const tarball = packed.trim();

/** A fresh project with the tarball installed and the application compiled, in one of the two forms of modules. */
async function project(type: 'module' | 'commonjs'): Promise<string> {
  const at = join(folder, type);
  await mkdir(at);
  await writeFile(join(at, 'package.json'), JSON.stringify({ name: 'application', private: true, type }));
  const quietly = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...quietly, tarball], { cwd: at });
  // Types of Node and no others, as an application has them that does not use node-postgres itself.
  for (const types of ['@types/node', 'undici-types']) {
    await cp(join(root, 'node_modules', types), join(at, 'node_modules', types), { recursive: true });
  }
  await cp(new URL('application.txt', import.meta.url), join(at, 'application.ts'));
  const options = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2023'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const said = await run(process.execPath, [tsc, ...options, '--types', 'node', 'application.ts'], {
    cwd: at,
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }));
  assert.equal(said.stdout, '', `tsc --strict, ${type}`);
  return join(at, 'application.js');
}
const programs = { 'ECMAScript modules': await project('module'), CommonJS: await project('commonjs') };

// Before any test is made: the run is taken to be over when the tests made so far are.
const nodes = [
  { major: 22, ...(await olderNode(22)) },
  { major: 24, ...(await olderNode(24)) },
  { major: 26, file: process.execPath, skip: false },
] as const;

test('the tarball is small, and depends on node-postgres alone', async () => {
  const at = join(folder, 'module/node_modules');
  const manifest = JSON.parse(await readFile(join(at, '@rekey/vault/package.json'), 'utf8'));
  assert.deepEqual(Object.keys(manifest.dependencies), ['pg']);
  assert.deepEqual(await readdir(join(at, '@rekey')), ['vault']);
  const files = await readdir(join(at, '@rekey/vault'), { recursive: true });
  assert.deepEqual(
    files.filter((file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file)),
    [],
  );
});

for (const { major, file, skip } of nodes) {
  for (const [form, program] of Object.entries(programs)) {
    test(`Node ${major}, ${form}: puts, gets and opens while API and worker rotate`, { skip }, async (t) => {
      const tenantId = randomUUID();
      const env = { DATABASE_URL: databaseUrl, KEK_URI: `local:${rekey.kekFile}`, TENANT: tenantId };
      const child = spawn(file, [program], { env, stdio: ['pipe', 'pipe', 'pipe'] });
      t.after(() => child.kill('SIGKILL'));
      const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
      let trouble = '';
      child.stderr.on('data', (text) => (trouble += text));
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      const roundsAfter = (seen: number) =>
        until(() => lines.length > seen || child.exitCode !== null, { what: 'the application at work' });
      await roundsAfter(2);
      assert.equal(lines[0], 'seeded', trouble);

      for (let n = 1; n <= 3; n += 1) {
        const seen = lines.length;
        const { status, body } = await rekey.rotate(tenantId);
        assert.equal(status, 200);
        const data = await rekey.ended(body.data.rotationId);
        assert.equal(data.status, 'completed', data.failureReason ?? '');
        const { targets } = data as unknown as { targets: Array<Record<string, unknown>> };
        assert.deepEqual(
          targets.map(
            (target) => `${target.name} ${target.itemType} ${target.itemsFailed} ${target.itemsRemaining}`,
          ),
          ['mail_passwords secrets 0 0', 'partner_logins credentials 0 0', 'tokens apiKeys 0 0'],
        );
        const rotated = Object.values(data.itemsRotated).reduce((sum, items) => sum + items, 0);
        assert.equal(
          targets.reduce((sum, target) => sum + Number(target.itemsRotated), 0),
          rotated,
        );
        await roundsAfter(seen + 1);
      }
      child.stdin.end();
      assert.equal(await closed, 0, trouble);
      const told = lines.at(-1) ?? '';
      assert.equal(trouble, '');
      const { puts, opens, deletes, isOurs, node: version } = JSON.parse(told);
      t.diagnostic(told);
      assert.ok(puts > 80 && opens > 100 && deletes >= 6, told);
      assert.equal(isOurs, true, 'errors are of the documented class');
      assert.match(version, new RegExp(`^v${major}\\.`));
      const { rows } = await pool.query(
        `select count(*) filter (where n = (select key_number from rekey.deks where tenant_id = $1 and state = 'active'))
             = count(*) as all, count(*) > 20 as some
         from (select key_no as n from secrets where owner = $1
           union all select key_number from credentials where tenant_id = $1
           union all select key_number from api_keys where tenant_id = $1) r`,
        [tenantId],
      );
      assert.deepEqual(rows, [{ all: true, some: true }]);
      await pool.query('delete from credentials'); // their numbers are counted from one in every program
    });
  }

  for (const app of ['api', 'worker']) {
    test(`Node ${major} and the ${app}`, { skip }, async () => {
      const main = join(root, `apps/${app}/src/main.mjs`);
      const said = await run(file, [main], { env: {} }).then(
        () => 'nothing',
        (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
      );
      // Without a setting our own says what is missing: so it came to that.
      if (major === 26) assert.match(said, /^1 (config: [^\n]*\n)+$/);
      else assert.match(said, /^1 config: Node \d+\.\d+\.\d+ is too old: it must be 26 or later[^\n]*\n$/);
    });
  }
}
