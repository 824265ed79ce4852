import { type Queryable, row, rows } from '@rekey/db';
import { type Examined, error, type Finding, warning } from './finding.ts';

const oldest = { number: 150_000, said: '15' };
const shortestDeadlockMs = 1_000;
/** An access token is refused by what its times say, and a heartbeat of the future is taken for a dead one. */
const skewMaxMs = 2_000;

const asked = [
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'deadlock_timeout',
  'default_transaction_read_only',
  'autovacuum',
  'track_counts',
] as const;
type Asked = (typeof asked)[number];

/** Version and settings, whatever database it is. Settings are those that a new session begins with, not our own's. */
export async function examineServer(on: Queryable): Promise<Examined> {
  const { version, number, encoding, settings } = await row<{
    version: string;
    number: number;
    encoding: string;
    settings: Record<Asked, string>;
  }>(
    on,
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       current_setting('server_encoding') as encoding,
       (select json_object_agg(name, reset_val) from pg_catalog.pg_settings where name = any ($1)) as settings`,
    [asked],
  );
  const findings: Finding[] = [];
  if (number < oldest.number)
    findings.push(
      error('POSTGRES_TOO_OLD', `Postgres is ${version}.`, `upgrade it to ${oldest.said} or later`),
    );
  if (encoding !== 'UTF8')
    findings.push(
      error('ENCODING', `The database's encoding is ${encoding}.`, "create database … encoding 'UTF8'"),
    );
  if (settings.fsync === 'off')
    findings.push(
      error('FSYNC_OFF', 'fsync is off: a crash of the machine may lose the database.', 'set fsync = on'),
    );
  if (settings.full_page_writes === 'off')
    findings.push(
      warning(
        'FULL_PAGE_WRITES_OFF',
        'full_page_writes is off: a crash may leave pages torn, unless the file system prevents it.',
        'set full_page_writes = on',
      ),
    );
  if (settings.synchronous_commit === 'off')
    findings.push(
      warning(
        'SYNCHRONOUS_COMMIT_OFF',
        "synchronous_commit is off: what applications were told is written may be lost. Rekey's own sessions set it.",
        'set synchronous_commit = on',
      ),
    );
  if (Number(settings.deadlock_timeout) < shortestDeadlockMs)
    findings.push(
      warning(
        'DEADLOCK_TIMEOUT',
        `deadlock_timeout is ${settings.deadlock_timeout} ms: the sweep gives way earlier for it, and what else waits for locks may make an application the victim.`,
        'set deadlock_timeout to 1s or more',
      ),
    );
  if (settings.default_transaction_read_only === 'on')
    findings.push(
      error(
        'READ_ONLY',
        'default_transaction_read_only is on.',
        'take the setting away, or see why the disk is full',
      ),
    );
  for (const name of ['autovacuum', 'track_counts'] as const)
    if (settings[name] === 'off')
      findings.push(
        warning(
          'AUTOVACUUM_OFF',
          `${name} is off: each record that is re-encrypted leaves a dead one, and nobody clears them away.`,
          `set ${name} = on`,
        ),
      );
  return { facts: { postgres: version }, findings };
}

/** Tables that are swept and never vacuumed, and slots that keep what a rotation writes to the log until the disk is full. */
export async function examineLeftovers(on: Queryable): Promise<Examined> {
  const tables = await rows<{ name: string }>(
    on,
    `select c.oid::regclass::text as name from pg_catalog.pg_class c, unnest(c.reloptions) o(setting)
     where c.oid in (select table_oid from rekey.targets where retired_at is null)
       and o.setting ~ '^autovacuum_enabled=(off|false|no|0)$' order by 1`,
  );
  const slots = await rows<{ name: string; bytes: string | null }>(
    on,
    `select slot_name as name, pg_size_pretty(case when pg_is_in_recovery() then null
       else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end) as bytes
     from pg_catalog.pg_replication_slots
     where not active and restart_lsn is not null and wal_status <> 'lost'
       and current_setting('max_slot_wal_keep_size') = '-1' order by 1`,
  );
  return {
    findings: [
      ...tables.map(({ name }) =>
        warning(
          'AUTOVACUUM_OFF',
          `${name} is not vacuumed by itself: each record that is re-encrypted leaves a dead one there.`,
          `alter table ${name} reset (autovacuum_enabled), or vacuum it behind each rotation`,
        ),
      ),
      ...slots.map(({ name, bytes }) =>
        warning(
          'SLOT_UNUSED',
          `Nobody reads the replication slot ${name}, which keeps the log without a limit${bytes === null ? '' : ` (${bytes} now)`}: a rotation writes much of it, and a full disk stops the server.`,
          `see its standby, or select pg_drop_replication_slot('${name}'); or set max_slot_wal_keep_size`,
        ),
      ),
    ],
  };
}

/** How far this machine's clock is from the server's: less what the question took, since that is not known better. */
export async function examineClock(on: Queryable): Promise<Examined> {
  const before = Date.now();
  const { now } = await row<{ now: string }>(
    on,
    'select extract(epoch from clock_timestamp()) * 1000 as now',
  );
  const after = Date.now();
  const skewMs = Math.round(Math.max(before - Number(now), Number(now) - after, 0));
  const findings =
    skewMs > skewMaxMs
      ? [
          warning(
            'CLOCK_SKEW',
            `The clocks of this machine and of Postgres differ by ${(skewMs / 1_000).toFixed(1)} s.`,
            'let both follow the same time server (NTP)',
          ),
        ]
      : [];
  return { findings };
}

/** Of those that applications use, or of everybody's where none was granted: what their transactions begin with. */
export async function examineApplicationSettings(on: Queryable): Promise<Examined> {
  const found = await rows<{ name: string | null; idle: string; isolation: string }>(
    on,
    `with asked as (
       select r.rolname as name, r.oid from rekey.granted_roles g join pg_catalog.pg_roles r on r.rolname = g.role_name
       where g.part = 'application'
       union all select null, null where not exists (select from rekey.granted_roles where part = 'application')),
     set as (
       select a.name, s.setting, case when d.setrole <> 0 then 2 else 0 end + case when d.setdatabase <> 0 then 1 else 0 end as rank
       from asked a join pg_catalog.pg_db_role_setting d on d.setrole in (0, a.oid)
         and d.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database())),
         unnest(d.setconfig) s(setting))
     select a.name, coalesce((select split_part(s.setting, '=', 2) from set s
           where s.name is not distinct from a.name and s.setting like 'idle_in_transaction_session_timeout=%'
           order by rank desc limit 1),
         (select reset_val from pg_catalog.pg_settings where name = 'idle_in_transaction_session_timeout')) as idle,
       coalesce((select split_part(s.setting, '=', 2) from set s
           where s.name is not distinct from a.name and s.setting like 'default_transaction_isolation=%'
           order by rank desc limit 1),
         (select reset_val from pg_catalog.pg_settings where name = 'default_transaction_isolation')) as isolation
     from asked a order by a.name`,
  );
  return {
    findings: found.flatMap(({ name, idle, isolation }) => {
      const whose = name === null ? '' : ` of ${name}`;
      const set = name === null ? 'set' : `alter role ${name} set`;
      return [
        ...(/^0\D*$/.test(idle)
          ? [
              warning(
                'IDLE_IN_TRANSACTION',
                `idle_in_transaction_session_timeout${whose} is 0: a forgotten transaction holds up a tenant's switch for ever.`,
                `${set} idle_in_transaction_session_timeout = '5min', or whatever the application can bear`,
              ),
            ]
          : []),
        ...(isolation === 'read committed'
          ? []
          : [
              warning(
                'DEFAULT_ISOLATION',
                `default_transaction_isolation${whose} is ${isolation}: transactions that meet a switch fail with 40001 and have to be run again.`,
                `${set} default_transaction_isolation = 'read committed', unless the application repeats them`,
              ),
            ]),
      ];
    }),
  };
}
