import { randomBytes } from 'node:crypto';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { Pool, type PoolConfig } from 'pg';
import { type Owner, thisFile } from './cleanup.ts';
import { testEnvironment } from './environment.ts';

export type TestDatabase = {
  url: string;
  /** A pool on it, ended when its owner is done. */
  pool(options?: PoolConfig): Pool;
  /** Ends the pools and drops the database; done by itself at the end, harmless twice. */
  drop(): Promise<void>;
};

/** A migrated, empty database of one's own: a copy of the run's template. */
export async function createTestDatabase(owner: Owner = thisFile): Promise<TestDatabase> {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const template = testEnvironment('TEST_TEMPLATE_DATABASE');
  const name = template.replace(/template$/, randomBytes(6).toString('hex'));
  const url = await createDatabase(adminUrl, name, { template });
  const pools: Pool[] = [];

  async function drop(): Promise<void> {
    await Promise.all(pools.splice(0).map((pool) => (pool.ended ? undefined : pool.end())));
    await dropDatabase(adminUrl, name);
  }
  owner.after(drop);

  return {
    url,
    pool(options) {
      const pool = new Pool({ connectionString: url, ...options });
      pool.on('error', () => {}); // tests terminate backends, and so does a drop
      pools.push(pool);
      return pool;
    },
    drop,
  };
}

/** Drops every database whose name begins with `prefix_`: what a killed test left on a server that stays. */
export async function dropDatabasesOf(adminUrl: string, prefix: string): Promise<void> {
  const pool = new Pool({ connectionString: adminUrl, max: 1 });
  try {
    const { rows } = await pool.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE starts_with(datname, $1)`,
      [`${prefix}_`],
    );
    for (const { datname } of rows) await dropDatabase(adminUrl, datname);
  } finally {
    await pool.end();
  }
}
