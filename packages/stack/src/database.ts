import { Client, escapeIdentifier } from 'pg';

/**
 * Creates a database beside the one `adminUrl` names, as a copy of `template` if given (nobody may be connected to
 * that one), and returns its URL.
 */
export async function createDatabase(
  adminUrl: string,
  name: string,
  { template }: { template?: string } = {},
): Promise<string> {
  const copy = template === undefined ? '' : ` TEMPLATE ${escapeIdentifier(template)}`;
  await execute(adminUrl, `CREATE DATABASE ${escapeIdentifier(name)}${copy}`);
  return databaseUrl(adminUrl, name);
}

/** Drops a database if it exists, disconnecting whoever uses it. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await execute(adminUrl, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
}

/** Lets nobody connect to a database any more: what a template needs to be copied at any time. */
export async function closeDatabase(adminUrl: string, name: string): Promise<void> {
  await execute(adminUrl, `ALTER DATABASE ${escapeIdentifier(name)} WITH ALLOW_CONNECTIONS false`);
}

function databaseUrl(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

async function execute(url: string, sql: string): Promise<void> {
  await withClient(url, (client) => client.query(sql));
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
