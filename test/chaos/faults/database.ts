import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, seenIf } from './fault.ts';
import { must } from './must.ts';

/** New sessions have it; those that are open are ended, so that all have it. */
const newSessions = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name not like 'chaos%'`;

/** A default of the database, for a while. */
const setting =
  (name: string, value: string, minMs: number, maxMs: number): Fault =>
  async (tools) => {
    const { random, signal } = tools;
    const ms = random.integer(minMs, maxMs);
    await must(tools, `alter database rekey set ${name} = ${value}`);
    try {
      await must(tools, newSessions);
      await sleep(ms, undefined, { signal }).catch(() => {});
    } finally {
      await must(tools, `alter database rekey reset ${name}`);
      await must(tools, newSessions);
    }
    return seenIf(true, `for ${ms} ms`);
  };

/** Rolls itself back rather than let writers wait behind it. */
const patiently = (statement: string): string => `set lock_timeout = '100ms'; ${statement}`;

/** Changes of the schema that a migration of the application's makes while a rotation runs. */
const ddl =
  (table: string, statements: (name: string) => readonly string[]): Fault =>
  async (tools) => {
    const client = await tools.world.pool.connect();
    let done = 0;
    const all = statements(`chaos_${tools.random.integer(1, 1_000_000)}`);
    try {
      for (const statement of all) {
        for (let tries = 0; tries < 40; tries += 1) {
          const answer = await client.query(statement).then(
            () => 'done',
            (error: { code?: string }) => error.code,
          );
          if (answer === 'done') done += 1;
          if (answer !== '55P03') break; // locked: later
          await sleep(100);
        }
      }
    } finally {
      client.release(true); // its settings are its own
    }
    return seenIf(done === all.length, `${done} of ${all.length} statements on ${table}`);
  };

export const databaseFaults = {
  'database-read-only': setting('default_transaction_read_only', 'on', 1_000, 5_000),
  'database-serializable': setting('default_transaction_isolation', 'serializable', 3_000, 8_000),
  'ddl-add-column': ddl('secrets', (name) => [
    patiently(`alter table secrets add column ${name} integer`),
    patiently(`alter table secrets drop column ${name}`),
  ]),
  'ddl-index-concurrently': ddl('secrets', (name) => [
    'set lock_timeout = 0',
    `create index concurrently ${name} on secrets (name)`,
    `drop index concurrently ${name}`,
  ]),
  'ddl-vacuum-full': ddl('credentials', () => [`set lock_timeout = '100ms'`, 'vacuum full credentials']),
  'application-trigger': ddl('credentials', (name) => [
    `create function ${name}() returns trigger language plpgsql as $$ begin new.updated_at := now(); return new; end $$`,
    patiently(`create trigger ${name} before update on credentials for each row execute function ${name}()`),
    'select pg_sleep(3)',
    patiently(`drop trigger ${name} on credentials`),
    `drop function ${name}()`,
  ]),
} as const satisfies Record<string, Fault>;
