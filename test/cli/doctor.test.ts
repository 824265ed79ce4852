import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLocalKeyFile } from '@rekey/kms';
import { startPostgres } from '@rekey/stack';
import { rightsOfParts } from '../../packages/schema/src/examine/rights.ts';
import { call, program, start } from './call.ts';
import { faultsAroundIt } from './faults/around-it.ts';
import { faultsOfRights } from './faults/of-rights.ts';
import { faultsOfTheDatabase } from './faults/of-the-database.ts';
import { goodInstallation } from './good-installation.ts';
import { callHere } from './in-process.ts';

interface Report {
  readonly good: boolean;
  readonly facts: Record<string, string>;
  readonly findings: ReadonlyArray<{ code: string; level: string; what: string; todo: string }>;
  readonly unseen: readonly string[];
}

const rekey = await goodInstallation();
const read = ({ out }: { out: string }): Report => JSON.parse(out);

const faults = [...faultsOfTheDatabase, ...faultsOfRights, ...faultsAroundIt];

test('nothing is found in a good installation, and all of it was looked at', async () => {
  const said = await call(rekey.env, 'doctor', '--json');
  const report = read(said);
  assert.deepEqual([report.findings, report.unseen, report.good], [[], [], true]);
  assert.equal(said.code, 0, said.err);
  assert.match(report.facts.targets ?? '', /api_keys, credentials, secrets/);
  assert.match(report.facts.kek ?? '', /^local:/);
  const told = await call(rekey.env, 'doctor');
  assert.deepEqual([told.code, told.err], [0, '']);
  assert.match(told.out, /^Nothing was found\.$/m);
  assert.doesNotMatch(told.out, /not looked at/);
});

test('a role that may not see everything says what it did not look at', async () => {
  const { REDIS_URL: _redis, KEK_URI: _kek, ...env } = rekey.env;
  const said = await callHere({ ...env, DATABASE_URL: rekey.as('rekey_api') }, 'doctor', '--json');
  const { findings, unseen } = read(said);
  assert.deepEqual([said.code, findings], [0, []]);
  for (const what of [/^integrity: /, /^rights: /, /^transactions of other roles/, /^Redis: /, /^the KEK: /])
    assert.ok(
      unseen.some((line) => what.test(line)),
      `${what} among ${unseen.join('; ')}`,
    );
});

test('an operator, who may not read wrapped keys, still learns which KEKs are needed', async () => {
  const env = { ...rekey.env, DATABASE_URL: rekey.as('rekey_operator') };
  const said = read(await callHere(env, 'doctor', '--json'));
  assert.deepEqual(said.findings, []);
  assert.deepEqual(
    said.unseen.map((line) => line.split(':')[0]),
    ['stored DEKs'],
  );
  const other = join(rekey.folder, 'kek-of-an-operator');
  await createLocalKeyFile(other);
  const found = read(await callHere({ ...env, KEK_URI: `local:${other}` }, 'doctor', '--json'));
  assert.deepEqual(
    found.findings.map(({ code }) => code),
    ['KEK_NOT_HELD'],
  );
});

test('each fault is found by its name, says what to do, and is gone once it is mended', async (t) => {
  assert.ok(faults.length >= 15);
  for (const fault of faults)
    await t.test(fault.what, async () => {
      const { env = {}, args = [], mend = async () => {} } = await fault.plant(rekey);
      const said = await callHere({ ...rekey.env, ...env }, 'doctor', '--json', ...args).finally(mend);
      const { findings, good } = read(said);
      assert.deepEqual(
        findings.map(({ code }) => code).sort(),
        [...fault.codes].sort(),
        JSON.stringify(findings, null, 1),
      );
      const isError = findings.some(({ level }) => level === 'error');
      assert.deepEqual([said.code, good], [isError ? 1 : 0, !isError]);
      for (const { what, todo } of findings) {
        assert.doesNotMatch(`${what}${todo}`, /\n|undefined|null|\[object/);
        assert.ok(what.length > 10 && todo.length > 5);
      }
    });
  assert.deepEqual(read(await callHere(rekey.env, 'doctor', '--json')).findings, []);
});

test('clocks that differ are found', async () => {
  const skewed = 'data:text/javascript,const now = Date.now; Date.now = () => now() - 60_000';
  const args = ['--import', skewed, program, 'doctor', '--json'];
  const said = await start(process.execPath, args, rekey.env).ended;
  assert.deepEqual(
    read(said).findings.map(({ code, level }) => [code, level]),
    [['CLOCK_SKEW', 'warning']],
  );
  assert.equal(said.code, 0);
});

test('a server that may lose what it was told is found', async () => {
  const careless = await startPostgres({ settings: { fsync: 'off', full_page_writes: 'off' } });
  after(() => careless.stop());
  const { KEK_URI: _kek, REDIS_URL: _redis, ...env } = rekey.env;
  const said = await callHere({ ...env, DATABASE_URL: careless.url }, 'doctor', '--json');
  assert.deepEqual(
    read(said).findings.map(({ code }) => code),
    ['FSYNC_OFF', 'SCHEMA_MISSING', 'FULL_PAGE_WRITES_OFF'],
  );
});

test('what is not called rightly is told, and no secret of the environment', async () => {
  const { DATABASE_URL: _database, ...env } = rekey.env;
  assert.equal((await callHere(env, 'doctor')).code, 2);
  for (const wrong of [{ DATABASE_URL: 'mysql://a:secret@b/c' }, { REDIS_URL: 'ftp://a:secret@b' }]) {
    const said = await callHere({ ...rekey.env, ...wrong }, 'doctor');
    assert.equal(said.code, 2, said.err);
    assert.ok(!said.err.includes('secret'), said.err);
  }
  assert.equal((await callHere(rekey.env, 'doctor', '--old', 'soon')).code, 2);
});

test('what roles are compared with are the rights that are committed', async () => {
  const file = await readFile(new URL('../schema/rights.json', import.meta.url), 'utf8');
  const matrix: Record<string, Record<string, string>> = JSON.parse(file);
  for (const [part, { functions, readable }] of await rightsOfParts()) {
    const rights = Object.entries(matrix[part] ?? {});
    const named = (pattern: RegExp): string[] =>
      [...new Set(rights.flatMap(([object]) => pattern.exec(object)?.[1] ?? []))].sort();
    const made = /^(prove_(secrets|credentials|api_keys))$/;
    assert.deepEqual(
      named(/^function rekey\.(\w+)\(/).filter((name) => !made.test(name)),
      [...functions].sort(),
    );
    assert.deepEqual(named(/^(?:table|view) rekey\.(\w+)$/), [...readable].sort());
  }
});
