import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { Pool } from 'pg';
import type { Owner } from '../harness/cleanup.ts';
import { testEnvironment } from '../harness/environment.ts';

const folder = new URL('../../packages/schema/migrations/', import.meta.url);

/** The last migration of the version whose writers and switches met at a gate. */
const lastWithGate = '0006_start_in_one_statement.sql';

/** A database as the version before this one left it, with a tenant of one record. */
export async function olderDatabase(owner: Owner): Promise<{ url: string; pool: Pool; tenantId: string }> {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
  const url = await createDatabase(adminUrl, name);
  const pool = new Pool({ connectionString: url, max: 30 });
  pool.on('error', () => {});
  owner.after(async () => {
    await pool.end();
    await dropDatabase(adminUrl, name);
  });
  await pool.query(`create schema rekey;
    create table rekey.migrations (
      name text primary key, sha256 text not null, ran_at timestamptz not null default now())`);
  for (const file of (await readdir(folder)).sort().filter((file) => file <= lastWithGate)) {
    const sql = await readFile(new URL(file, folder), 'utf8');
    await pool.query(sql);
    const sha256 = createHash('sha256').update(sql).digest('hex');
    await pool.query('insert into rekey.migrations (name, sha256) values ($1, $2)', [file, sha256]);
  }
  const tenantId = randomUUID();
  await pool.query(`insert into rekey.tenants (id, name) values ($1, 'older')`, [tenantId]);
  await makeDek(pool, tenantId, 1);
  await pool.query(`update rekey.deks set state = 'active', activated_at = now() where tenant_id = $1`, [
    tenantId,
  ]);
  return { url, pool, tenantId };
}

export async function makeDek(
  pool: Pool,
  tenantId: string,
  keyNumber: number,
  { uri, wrapped }: { uri: string; wrapped: Buffer } = { uri: 'local:x', wrapped: Buffer.alloc(40) },
): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into rekey.deks (id, tenant_id, key_number, state) values ($1, $2, $3, 'pre_active')`,
    [id, tenantId, keyNumber],
  );
  await pool.query('insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, $2, $3)', [
    id,
    uri,
    wrapped,
  ]);
  return id;
}
