import { randomBytes } from 'node:crypto';
import { withClient } from './database.ts';

/** The same database, for each part of the work as the role that has the rights for it and no others. */
export interface DatabaseUrls {
  readonly owner: string;
  readonly api: string;
  readonly worker: string;
  readonly application: string;
}

const parts = ['api', 'worker', 'application'] as const;

/**
 * Roles of this run for API, workers and application in a migrated database, gone with it. Where the given role may not
 * make any, or nobody may log in as one of them: null.
 */
export async function makeRoles(
  databaseUrl: string,
  cleanup: AsyncDisposableStack,
): Promise<DatabaseUrls | null> {
  if (URL.parse(databaseUrl) === null) return null; // libpq's other way of writing it
  const run = randomBytes(4).toString('hex');
  const password = randomBytes(16).toString('hex');
  const urls = oneRole(databaseUrl);
  try {
    await withClient(databaseUrl, async (client) => {
      for (const part of parts) {
        const name = `rekey_${run}_${part}`;
        await client.query(`create role ${name} login password '${password}'`);
        cleanup.defer(() => dropRole(databaseUrl, name));
        await client.query(`select rekey.grant_${part}($1)`, [name]);
        urls[part] = as(databaseUrl, name, password);
      }
    });
    for (const part of parts) await withClient(urls[part], (client) => client.query('select'));
    return urls;
  } catch {
    return null;
  }
}

/** Everybody as the role that was given. */
export function oneRole(databaseUrl: string): { -readonly [part in keyof DatabaseUrls]: string } {
  return { owner: databaseUrl, api: databaseUrl, worker: databaseUrl, application: databaseUrl };
}

function as(databaseUrl: string, user: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = user;
  url.password = password;
  url.searchParams.delete('user');
  url.searchParams.delete('password');
  return url.href;
}

/** Where the database is gone by then, with all rights in it, or the whole server, there is nothing left to do. */
async function dropRole(databaseUrl: string, name: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    await client.query('select rekey.revoke_rights($1)', [name]);
    await client.query(`drop role ${name}`);
  }).catch(() => {});
}
