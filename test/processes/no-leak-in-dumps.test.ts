import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { dekWrapAad } from '@rekey/envelope';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import pg from 'pg';
import { installation } from '../harness/installation.ts';
import { leaksIn, type Secret } from '../harness/leaks.ts';
import { tool } from '../harness/tool.ts';
import { until } from '../harness/wait.ts';

// Whose pg_dump fits its server.
const postgres15 = await tool('postgres-15');

test('no plaintext, key, token or password is in what pg_dump makes, plain or custom, and a planted one would be found', {
  skip: postgres15.skip,
}, async (t) => {
  const { initdb, postgres, pg_dump: pgDump, pg_restore: pgRestore } = postgres15.programs;
  const server = await startPostgres({ programs: { initdb, postgres }, settings: { fsync: 'off' } });
  t.after(() => server.stop());
  const folder = await mkdtemp(join(tmpdir(), 'rekey-dumps-'));
  t.after(() => rm(folder, { recursive: true }));
  const { privateKey } = generateKeyPairSync('ed25519');
  const signingKey = join(folder, 'signing.pem');
  await writeFile(signingKey, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const databaseUrl = await createDatabase(server.url, 'dumped');
  await migrate(databaseUrl);
  const pool = new pg.Pool({ connectionString: databaseUrl });
  pool.on('error', () => {}); // the server stops before it
  t.after(() => pool.end());
  const rekey = await installation({ databaseUrl, workerEnv: { SIGNING_KEY_URI: `file:${signingKey}` } }, t);

  const marker = Buffer.from(`the-plaintext-${randomBytes(18).toString('hex')}`);
  const tenantId = randomUUID();
  await rekey.vault.createTenant({ tenantId, name: 'a tenant' });
  const records = Array.from({ length: 200 }, () => ({
    id: randomUUID(),
    value: marker,
    columns: { name: 'a record' },
  }));
  await rekey.vault.putMany({ target: 'secrets', tenantId, records });
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  await until(
    async () => (await pool.query('select from rekey.rotation_certificates')).rowCount === 1 || undefined,
    { what: 'a certificate', timeoutMs: 60_000 },
  );

  const secrets: Secret[] = [
    { name: 'plaintext', bytes: marker },
    { name: 'KEK', bytes: await readFile(rekey.kekFile) },
    { name: 'token', bytes: Buffer.from(rekey.token) },
    { name: 'JWT secret', bytes: Buffer.from(rekey.jwtSecret) },
    { name: 'signing key', bytes: privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32) },
    { name: "Postgres' password", bytes: Buffer.from(new URL(databaseUrl).password) },
  ];
  const { rows } = await pool.query<{ id: string; wrapped: Buffer }>(
    'select dek_id as id, wrapped from rekey.dek_material m join rekey.deks d on d.id = m.dek_id where d.tenant_id = $1',
    [tenantId],
  );
  for (const { id, wrapped } of rows)
    secrets.push({ name: `DEK ${id}`, bytes: await rekey.kek.unwrap(wrapped, dekWrapAad(tenantId, id)) });
  assert.equal(rows.length, 2);

  const run = promisify(execFile);
  const dump = async (name: string, ...args: string[]): Promise<string> => {
    await run(pgDump, [...args, '--file', join(folder, name), databaseUrl], { env: postgres15.env });
    return join(folder, name);
  };
  const dumps = async (): Promise<Record<string, string>> => {
    const custom = await dump('custom', '--format=custom');
    const { stdout } = await run(pgRestore, ['--file=-', custom], {
      env: postgres15.env,
      maxBuffer: 2 ** 28,
    });
    return {
      plain: await readFile(await dump('plain', '--format=plain'), 'latin1'),
      inserts: await readFile(await dump('inserts', '--format=plain', '--inserts'), 'latin1'),
      // The file itself, without its compression, and what comes out of one that is compressed.
      custom: await readFile(await dump('raw', '--format=custom', '--compress=0'), 'latin1'),
      restored: stdout,
    };
  };
  for (const [form, text] of Object.entries(await dumps())) {
    assert.ok(text.includes(tenantId), `${form} holds what was dumped`);
    assert.deepEqual(leaksIn(text, secrets), [], form);
  }
  await pool.query('create table planted (a bytea, b text)');
  await pool.query('insert into planted values ($1, $2)', [marker, marker.toString('base64')]);
  for (const [form, text] of Object.entries(await dumps()))
    for (const leak of ['plaintext as hex', 'plaintext as base64'])
      assert.ok(leaksIn(text, secrets).includes(leak), `${form}: ${leak}`);
});
