import { escapeIdentifier, escapeLiteral, Pool } from 'pg';
import { testEnvironment } from './environment.ts';

/** The database roles under which processes work, each granted what `rekey.grant_<role>` gives. */
export const roles = ['api', 'worker', 'application', 'operator'] as const;
export type Role = (typeof roles)[number];

/** Known to whoever runs the tests, on a server that they brought up or gave. */
const password = 'of-a-test';

/** Makes the roles of a run, with their rights in a migrated database and so in every copy of it. */
export async function createRoles(databaseUrl: string, prefix: string): Promise<void> {
  await withPool(databaseUrl, async (pool) => {
    for (const role of roles) {
      const name = `${prefix}_${role}`;
      await pool.query(`create role ${escapeIdentifier(name)} login password ${escapeLiteral(password)}`);
      await pool.query(`select rekey.grant_${role}($1)`, [name]);
    }
  });
}

/** After every database in which they have rights is gone. */
export async function dropRoles(adminUrl: string, prefix: string): Promise<void> {
  await withPool(adminUrl, async (pool) => {
    for (const role of roles)
      await pool.query(`drop role if exists ${escapeIdentifier(`${prefix}_${role}`)}`);
  });
}

/** The same database for a process that works under a role of this run, or of those made with that prefix. */
export function asRole(
  databaseUrl: string,
  role: Role,
  prefix: string = testEnvironment('TEST_ROLES_PREFIX'),
): string {
  const url = new URL(databaseUrl);
  url.username = `${prefix}_${role}`;
  url.password = password;
  return url.href;
}

async function withPool(url: string, work: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = new Pool({ connectionString: url, max: 1 });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}
