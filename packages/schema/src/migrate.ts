import { openClient, rows, StoreError, speaking } from '@rekey/db';
import type { Client } from 'pg';
import { sampleTables } from './foreign-tables.ts';
import { pause, takeMigratorLock } from './migrator-lock.ts';
import {
  functions,
  functionsRevision,
  type Migration,
  migrations,
  type ProgramFile,
} from './program-files.ts';
import { changedFunctions, pendingMigrations } from './what-ran.ts';

/**
 * How long a migration may wait for a lock: whoever comes after it waits behind it as long. Then everything is taken
 * back and tried again, so that an upgrade beside a transaction that somebody forgot holds up the upgrade only.
 */
const lockPatienceMs = 200;
/** How long what is not to be had is asked for, where the caller says nothing. */
const lockedForMostMs = 600_000;

export interface MigrateOptions {
  /** For how long a lock or a turn that is not to be had is tried for again and again; ten minutes when absent. */
  readonly lockedForMs?: number;
  /** Another folder of migrations than this program's own. */
  readonly folder?: URL;
  /** Whether to leave out the tables that ship, since the application brings its own. Of no effect where they are made already. */
  readonly withoutSampleTables?: boolean;
  /** Told what was not to be had, and of whom where that is known, each time before it is tried for again. */
  readonly onWait?: (what: string) => void;
}

/**
 * Brings the schema up to this program's version: runs each file of `migrations/` that has not run here, in the order
 * of names, replaces every function of `functions/` whose text has changed, and puts what depends on them around the
 * registered tables again; all of it in one transaction, unless a file has to run outside of one. Forward only. Several
 * at once wait for each other. Nobody else waits for it longer than 200 ms.
 *
 * @throws StoreError `SCHEMA_OUTDATED` when a file that ran here has been edited since, `LOCKED` when a lock, or
 *   its turn among migrators, was not to be had for all the time given, `REFUSED` when a table of somebody else's is in the way
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<void> {
  await speaking(async () => {
    const client = await openClient({ url: databaseUrl, applicationName: 'rekey-migrate' });
    try {
      await takeMigratorLock(client, {
        forMs: options.lockedForMs ?? lockedForMostMs,
        onWait: options.onWait,
      });
      await client.query(`set lock_timeout = ${lockPatienceMs}`);
      const groups = inGroups(await pendingMigrations(client, await migrations(options.folder)));
      for (const group of groups) {
        // Functions name types of tables that a later file makes: they come when all files have run.
        await again(options, () => runGroup(client, group, options, group === groups.at(-1)));
      }
      await again(options, () => runGroup(client, [], options, true));
    } finally {
      // Also when it was refused at the door: the server keeps that connection open for a minute, and us with it.
      await client.end();
    }
  });
}

/** Those that run in one transaction together; one that runs outside of any is a group of its own. */
function inGroups(pending: readonly Migration[]): Migration[][] {
  const groups: Migration[][] = [];
  for (const migration of pending) {
    const last = groups.at(-1);
    if (last === undefined || migration.statements !== null || last[0]?.statements !== null) {
      groups.push([migration]);
    } else last.push(migration);
  }
  return groups;
}

async function again(
  { lockedForMs = lockedForMostMs, onWait }: MigrateOptions,
  work: () => Promise<void>,
): Promise<void> {
  const deadlineMs = performance.now() + lockedForMs;
  for (;;) {
    try {
      return await speaking(work);
    } catch (error) {
      const isLocked = error instanceof StoreError && (error.code === 'LOCKED' || error.code === 'CONFLICT');
      if (!isLocked || performance.now() > deadlineMs) throw error;
      onWait?.(error.message);
      await pause();
    }
  }
}

async function runGroup(
  client: Client,
  group: readonly Migration[],
  { withoutSampleTables = false }: MigrateOptions,
  withFunctions: boolean,
): Promise<void> {
  const [first] = group;
  if (first?.statements !== undefined && first.statements !== null) {
    for (const statement of first.statements) await client.query(statement);
    await remember(client, first);
    return;
  }
  await client.query('begin');
  try {
    await client.query(`
      create schema if not exists rekey;
      create table if not exists rekey.migrations (
        name text primary key, sha256 text not null, ran_at timestamptz not null default now(),
        skipped boolean not null default false)`);
    if (!withoutSampleTables) await refuseForeignTables(client, group);
    for (const migration of group) {
      const isSkipped = withoutSampleTables && migration.name === sampleTables.migration;
      if (!isSkipped) await client.query(migration.sql);
      await remember(client, migration);
      if (isSkipped)
        await client.query('update rekey.migrations set skipped = true where name = $1', [migration.name]);
    }
    if (withFunctions) await replaceFunctions(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function remember(client: Client, { name, sha256, isBreaking }: Migration): Promise<void> {
  await client.query('insert into rekey.migrations (name, sha256) values ($1, $2)', [name, sha256]);
  if (isBreaking) await client.query('update rekey.migrations set breaking = true where name = $1', [name]);
}

/** The tables that ship are made by a migration: a table of that name that is not ours would stop it half-way. */
async function refuseForeignTables(client: Client, group: readonly Migration[]): Promise<void> {
  if (!group.some(({ name }) => name === sampleTables.migration)) return;
  const found = await rows<{ name: string }>(
    client,
    'select name from unnest($1::text[]) name where to_regclass(name) is not null',
    [sampleTables.names],
  );
  if (found.length === 0) return;
  const names = found.map(({ name }) => name).join(', ');
  throw new StoreError(
    'REFUSED',
    `This database has ${names} already, which Rekey would make: give it a database of its own, or leave out the tables ` +
      'that ship (npm run migrate -- --without-sample-tables); nothing was changed',
  );
}

async function replaceFunctions(client: Client): Promise<void> {
  const changed = await functionsToReplace(client);
  if (changed.length > 0) await replace(client, changed);
  // A restored or copied database: the registered tables have other identities here.
  await client.query('select rekey.recognize_database()');
}

/** Those of another version, and those that were changed by hand. */
async function functionsToReplace(client: Client): Promise<ProgramFile[]> {
  const all = await functions();
  const changed = await changedFunctions(client, all);
  const damaged = await rows<{ file: string }>(
    client,
    `select f.name || '.sql' as file from rekey.function_digests f
     where not exists (select from pg_proc p
       where p.pronamespace = 'rekey'::regnamespace and p.proname = f.name and p.pronargs = f.arguments
         and rekey.function_digest(p.prosrc, p.prosecdef, p.proconfig) = f.digest)`,
  );
  return all.filter((file) => changed.includes(file) || damaged.some((found) => found.file === file.name));
}

async function replace(client: Client, changed: readonly ProgramFile[]): Promise<void> {
  // They may call each other: none has to be there before the other.
  await client.query('set local check_function_bodies = off');
  for (const { name, sql, sha256 } of changed) {
    await client.query(sql);
    await client.query(
      `insert into rekey.functions (name, sha256, revision) values ($1, $2, $3)
       on conflict (name) do update
         set sha256 = excluded.sha256, revision = excluded.revision, replaced_at = now()`,
      [name, sha256, functionsRevision],
    );
  }
  // Whoever needs one is granted it by name; the right that everybody has by default goes to nobody.
  await client.query('revoke execute on all functions in schema rekey from public');
  // A mended fence reaches the tables that are registered already.
  await client.query(`
    select rekey.install_fence(t.name), rekey.install_counting(t.name), rekey.install_proof(t.name)
    from rekey.targets t where coalesce(t.retired_at, 'infinity') = 'infinity'
      and to_regclass(t.table_name) is not null order by t.name`);
  // The first time of all, later of what was made just now only: what else was changed by hand is to be found out.
  await client.query(
    `select rekey.remember_functions(case when exists (select from rekey.function_digests) then
       $1::text[] || array(select kind || t.name from rekey.targets t, unnest(array['fence_', 'count_', 'prove_']) kind) end)`,
    [changed.map(({ name }) => name.replace(/\.sql$/, ''))],
  );
  await client.query('select rekey.renew_rights()');
}
