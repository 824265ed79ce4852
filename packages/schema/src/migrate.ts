import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { type Queryable, rows, StoreError, speaking } from '@rekey/db';
import { Client } from 'pg';

const folder = new URL('../migrations/', import.meta.url);

/** Any number will do, as long as nobody else's migrator uses it. */
const migratorLock = 1_380_273_498;

/**
 * Brings the schema up to this program's version: runs each file of `migrations/` that has not run here, in the
 * order of names, each in one transaction. Forward only. Several at once wait for each other. Throws
 * `SCHEMA_OUTDATED` when a file that ran here has been edited since.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'rekey-migrate' });
  client.on('error', () => {});
  await speaking(async () => {
    await client.connect();
    try {
      await client.query('select pg_advisory_lock($1)', [migratorLock]);
      await client.query(`
        create schema if not exists rekey;
        create table if not exists rekey.migrations (
          name text primary key, sha256 text not null, ran_at timestamptz not null default now())`);
      const ran = await ranHere(client);
      for (const migration of await migrations()) {
        if (!alreadyRan(ran, migration)) await run(client, migration);
      }
    } finally {
      await client.end();
    }
  });
}

/** Resolves when every migration of this program has run there; throws `SCHEMA_MISSING` or `SCHEMA_OUTDATED`. */
export async function checkSchema(on: Queryable): Promise<void> {
  const ran = await ranHere(on).catch((error: unknown) => {
    if (!(error instanceof StoreError) || error.code !== 'SCHEMA_MISSING') throw error;
    throw new StoreError('SCHEMA_MISSING', 'No migration has run there: npm run migrate');
  });
  for (const migration of await migrations()) {
    if (!alreadyRan(ran, migration)) {
      throw new StoreError('SCHEMA_OUTDATED', `Migration ${migration.name} has not run: npm run migrate`);
    }
  }
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

async function migrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function ranHere(on: Queryable): Promise<Map<string, string>> {
  const found = await rows<{ name: string; sha256: string }>(on, 'select name, sha256 from rekey.migrations');
  return new Map(found.map(({ name, sha256 }) => [name, sha256]));
}

function alreadyRan(ran: ReadonlyMap<string, string>, { name, sha256 }: Migration): boolean {
  const before = ran.get(name);
  if (before !== undefined && before !== sha256) {
    throw new StoreError(
      'SCHEMA_OUTDATED',
      `Migration ${name} ran here with another text: it must not be edited`,
    );
  }
  return before !== undefined;
}

async function run(client: Client, { name, sql, sha256 }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into rekey.migrations (name, sha256) values ($1, $2)', [name, sha256]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
