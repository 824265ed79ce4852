import { escapeLiteral } from 'pg';

/** What the server is asked for when a session begins: an expression of SQL that yields text. */
export interface Computed {
  readonly sql: string;
}

/** Settings of a session, by the names that Postgres gives them. */
export type Settings = Readonly<Record<string, string | number | Computed>>;

/**
 * What every session has, whatever the role, the database or the server were given (`ALTER ROLE … SET`): what is read
 * from the wire depends on the first group, what transactions may rely on on the second.
 *
 * Not among them: `search_path`, since ours is qualified by schema, and triggers of the application run in these
 * sessions and may need theirs.
 */
const always = {
  // First, for what is computed below: with less, what Postgres tells of itself already goes to temporary files, of which
  // there may be none (`temp_file_limit`).
  work_mem: {
    sql: `(select greatest(4096, pg_catalog.pg_size_bytes(current_setting('work_mem')) / 1024)::text)`, // in kB
  },

  // Read from the wire.
  client_encoding: 'UTF8', // all text goes both ways as UTF-8
  DateStyle: 'ISO, MDY', // others are taken apart wrongly: days for months
  IntervalStyle: 'postgres',
  TimeZone: 'UTC', // half-hour zones and old local times are printed with seconds in their offset
  bytea_output: 'hex', // the other form comes as text that is taken for the bytes themselves
  extra_float_digits: 1, // below, numbers are rounded on their way
  standard_conforming_strings: 'on', // literals are escaped for this
  array_nulls: 'on', // else a NULL in an array is the word NULL
  transform_null_equals: 'off',
  quote_all_identifiers: 'off', // names of tables are compared as text

  // What transactions rely on.
  default_transaction_isolation: 'read committed', // a statement has to see what was committed while it waited
  default_transaction_deferrable: 'off',
  exit_on_error: 'off',
  'plpgsql.extra_errors': 'none',
  // A limit that somebody set for an application ends a rotation's statements half way, for ever.
  statement_timeout: 0,
  lock_timeout: 0,
  idle_in_transaction_session_timeout: 0,
  idle_session_timeout: 0,
} as const satisfies Settings;

/**
 * For what reads, writes and counts records of all tenants: row level security then refuses what it would otherwise
 * leave out without a word, and "none left" is true.
 */
export const seesAllRows = { row_security: 'off' } as const;

/**
 * A wait for a lock, in milliseconds, that ends in half the time after which anybody else is looked at for a deadlock: so whoever
 * waits like this while it holds something gives way, and no other is made the victim. `deadlock_timeout` may be set for a
 * role or a database as well; what a superuser sets within a session nobody else can see.
 */
export const waitsBelowDeadlock = (ms: number): Computed => ({
  sql: `(select least(${ms}, greatest(1, floor(extract(epoch from min(v.patience)) * 500)))::text from (
    select current_setting('deadlock_timeout')::interval as patience
    union all
    select (d.value || case when d.value ~ '[0-9]$' then 'ms' else '' end)::interval
      from (select substring(c from '=(.*)$') as value from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c
        where split_part(c, '=', 1) = 'deadlock_timeout' and s.setdatabase in (0, (select oid from pg_catalog.pg_database
          where datname = current_database()))) d
      where d.value ~ '^ *[0-9]+([.][0-9]+)? *(us|ms|s|min|h|d)? *$') v)`,
});

/** How often a busy backend looks whether its client is still there; one that waits for a lock never would. */
const clientCheckMs = 2_000;
/** How long what was sent to a client may stay unanswered by its machine. */
const unacknowledgedMs = 20_000;

const onLinux = `version() like '%linux%'`;

/** What depends on the server that is met: a condition and a value, both SQL. */
const whereItFits: ReadonlyArray<readonly [name: string, condition: string, value: string]> = [
  // Since Postgres 17.
  ['transaction_timeout', `current_setting('transaction_timeout', true) is not null`, `'0'`],
  // Elsewhere they are refused.
  ['client_connection_check_interval', onLinux, `'${clientCheckMs}'`],
  ['tcp_user_timeout', onLinux, `'${unacknowledgedMs}'`],
  // Whoever sets the whole server to read-only (some providers do when its disk is nearly full) means everybody.
  [
    'default_transaction_read_only',
    `current_setting('default_transaction_read_only') = 'on'
      and not exists (select from pg_catalog.pg_settings where name = 'default_transaction_read_only'
        and source in ('configuration file', 'command line', 'environment variable'))`,
    `'off'`,
  ],
  // The material of a DEK must not be lost after processes have seen it. Standbys stay as they were set.
  ['synchronous_commit', `current_setting('synchronous_commit') = 'off'`, `'on'`],
];

/** What a session says of itself when it is prepared. */
export interface SessionFacts {
  /** Of the backend: behind a pooler another than the connection was told. */
  readonly pid: number;
  readonly standby: boolean;
  readonly encoding: string;
  readonly replicationRole: string;
  /** What this marked the session with before; null: it is a new one, or was reset. */
  readonly mark: string | null;
}

/** Part of no statement of ours: only the session knows whether it is still the same. */
const markName = 'rekey.session';

/**
 * One statement, one round trip: takes the facts, then sets everything. `mark` is one of our own making. With
 * `onlyOn` it sets only when that is the backend: of a pooler's, another may be anybody's with the next transaction.
 */
export function sessionStatement(own: Settings, mark: string, onlyOn?: number): string {
  const settings = new Map<string, Settings[string]>();
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries({ ...always, ...own })) {
    // Names are compared without case, as Postgres does: a setting of the caller's takes the place of ours.
    names.set(name.toLowerCase(), name);
    settings.set(name.toLowerCase(), value);
  }
  const conditional = whereItFits
    .filter(([name]) => !settings.has(name))
    .map(([name, condition, value]) => `case when ${condition} then ${set(name, value)} end`);
  const plain = [...settings].map(([name, value]) => set(names.get(name) ?? name, inSql(value)));
  // In this order: what is asked of the server after it needs the memory that is given first.
  const sets = `num_nulls(${[set(markName, escapeLiteral(mark)), ...plain, ...conditional].join(', ')})`;
  return `select pg_catalog.pg_backend_pid() as pid, pg_catalog.pg_is_in_recovery() as standby,
    current_setting('server_encoding') as encoding, current_setting('session_replication_role') as "replicationRole",
    nullif(current_setting('${markName}', true), '') as mark,
    ${onlyOn === undefined ? sets : `case when pg_catalog.pg_backend_pid() = ${onlyOn} then ${sets} end`} as sets`;
}

/** For one transaction, where sessions do not last. */
export function transactionStatement(own: Settings): string {
  const settings = Object.entries({ ...always, ...own }).filter(([name]) => !isOfSession(name));
  return `select ${settings.map(([name, value]) => set(name, inSql(value), true)).join(', ')}`;
}

const inSql = (value: Settings[string]): string =>
  typeof value === 'object' ? value.sql : escapeLiteral(String(value));

/** What has no meaning within a transaction, or is refused there. */
function isOfSession(name: string): boolean {
  return /^(client_encoding|default_|idle_session|exit_)/.test(name);
}

/** Whether a session is still the one that was prepared. */
export const sessionLook = `select pg_catalog.pg_backend_pid() as pid, nullif(current_setting('${markName}', true), '') as mark`;

function set(name: string, value: string, local = false): string {
  return `set_config(${escapeLiteral(name)}, ${value}, ${local})`;
}
