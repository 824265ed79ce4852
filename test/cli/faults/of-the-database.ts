import { randomUUID } from 'node:crypto';
import { createDatabase } from '@rekey/stack';
import { openDoor } from '../../harness/door.ts';
import { type Fault, setting, sql, withEnv } from './fault.ts';

/** Of Postgres, of the schema in it and of what goes on there. */
export const faultsOfTheDatabase: readonly Fault[] = [
  withEnv('Postgres is not there', ['POSTGRES_UNAVAILABLE'], ({ databaseUrl }) => {
    const url = new URL(databaseUrl);
    url.port = '1';
    return { DATABASE_URL: url.href };
  }),
  withEnv('a database without the schema', ['SCHEMA_MISSING'], async ({ serverUrl }) => ({
    DATABASE_URL: await createDatabase(serverUrl, 'empty'),
  })),
  {
    what: 'an old Postgres',
    codes: ['POSTGRES_TOO_OLD'],
    async plant({ env }) {
      const url = new URL(env.DATABASE_URL ?? '');
      // What the server says of its version, as a number.
      const rewrite = (text: string): string => text.replace(/(?<!\d)1[5-9]00\d\d(?!\d)/, '140000');
      url.port = String((await openDoor(Number(url.port), { rewrite })).port);
      return { env: { DATABASE_URL: url.href } };
    },
  },
  withEnv('a database of another encoding', ['POSTGRES_UNFIT'], async ({ admin, serverUrl }) => {
    await admin.query(`create database ascii encoding 'SQL_ASCII' template template0 locale 'C'`);
    const url = new URL(serverUrl);
    url.pathname = '/ascii';
    return { DATABASE_URL: url.href };
  }),
  sql(
    'a migration has not run',
    ['SCHEMA_OUTDATED'],
    "update rekey.migrations set name = 'x' || name where name = (select max(name) from rekey.migrations)",
    "update rekey.migrations set name = substr(name, 2) where name like 'x%'",
  ),
  sql(
    'an index of the schema is gone',
    ['SCHEMA_CHANGED'],
    'drop index rekey.rotations_by_dek',
    'create index rotations_by_dek on rekey.rotations (new_dek_id)',
  ),
  sql(
    'a column of somebody else in the schema',
    ['SCHEMA_EXTRA'],
    'alter table rekey.rotations add note text',
    'alter table rekey.rotations drop note',
  ),
  sql(
    'a fence is disabled',
    ['TRIGGER'],
    'alter table secrets disable trigger rekey_fence_update_secrets',
    'alter table secrets enable trigger rekey_fence_update_secrets',
  ),
  sql(
    'a counting trigger fires for replicas only',
    ['TRIGGER'],
    'alter table api_keys enable replica trigger rekey_count_insert_api_keys',
    'alter table api_keys enable trigger rekey_count_insert_api_keys',
  ),
  sql(
    'a guard is disabled',
    ['GUARD'],
    'alter table rekey.rotation_ranges disable trigger guard_range',
    'alter table rekey.rotation_ranges enable trigger guard_range',
  ),
  sql(
    'the label of a table is gone',
    ['LABEL'],
    `create table kept as select pg_get_constraintdef(oid) as def from pg_constraint where conname = 'rekey_label_secrets';
     alter table secrets drop constraint rekey_label_secrets`,
    `do $$ begin execute 'alter table secrets add constraint rekey_label_secrets ' || (select def from kept); end $$;
     drop table kept`,
  ),
  setting(['POSTGRES_UNFIT'], 'session_replication_role', 'replica'),
  sql(
    "no trigger fires in the application's sessions",
    ['REPLICA_ROLE'],
    'alter role rekey_app set session_replication_role = replica',
    'alter role rekey_app reset session_replication_role',
  ),
  setting(['READ_ONLY'], 'default_transaction_read_only', 'on'),
  setting(['IDLE_IN_TRANSACTION'], 'idle_in_transaction_session_timeout', '0'),
  setting(['DEFAULT_ISOLATION'], 'default_transaction_isolation', 'repeatable read'),
  setting(['DEADLOCK_TIMEOUT'], 'deadlock_timeout', '50ms'),
  setting(['SYNCHRONOUS_COMMIT_OFF'], 'synchronous_commit', 'off'),
  sql(
    'a table that a crash empties',
    ['KIND_OF_TABLE'],
    'alter table secrets set unlogged',
    'alter table secrets set logged',
  ),
  sql(
    'a table that is never vacuumed',
    ['AUTOVACUUM_OFF'],
    'alter table secrets set (autovacuum_enabled = off)',
    'alter table secrets reset (autovacuum_enabled)',
  ),
  setting(['AUTOVACUUM_OFF'], 'track_counts', 'off'),
  sql(
    'a slot that nobody reads',
    ['SLOT_UNUSED'],
    "select pg_create_physical_replication_slot('left', true)",
    "select pg_drop_replication_slot('left')",
  ),
  withEnv('more connections than there are', ['CONNECTIONS'], () => ({ DATABASE_CONNECTIONS_MAX: '900' })),
  {
    what: 'a transaction that nobody ends',
    codes: ['OLD_TRANSACTION'],
    async plant({ admin }) {
      const client = await admin.connect();
      await client.query('begin; select count(*) from secrets');
      return {
        args: ['--old', '0s'],
        async mend() {
          await client.query('rollback');
          client.release();
        },
      };
    },
  },
  sql(
    'a transaction that was prepared and left',
    ['PREPARED_TRANSACTION'],
    "begin; select count(*) from secrets; prepare transaction 'forgotten'",
    "rollback prepared 'forgotten'",
    ['--old', '0s'],
  ),
  {
    what: 'a rotation that nobody works on',
    codes: ['ROTATION_STUCK'],
    async plant({ admin, tenantId }) {
      const rotation = randomUUID();
      const none = '{"credentials": 0, "apiKeys": 0, "secrets": 0}';
      const who = '{"id": "ada", "name": null, "email": null, "realm": null}';
      await admin.query('select rekey.start_rotation($1, $2, $3, $4, $5)', [
        rotation,
        tenantId,
        randomUUID(),
        who,
        none,
      ]);
      return {
        args: ['--old', '0s'],
        mend: () => admin.query('select rekey.cancel_rotation($1)', [rotation]),
      };
    },
  },
  {
    what: 'a rotation that waits for long',
    codes: ['ROTATION_WAITS'],
    async plant({ admin, tenantId }) {
      const rotation = randomUUID();
      const none = '{"credentials": 0, "apiKeys": 0, "secrets": 0}';
      const who = '{"id": "ada", "name": null, "email": null, "realm": null}';
      const named = [rotation, tenantId, randomUUID(), who, none];
      await admin.query('select rekey.start_rotation($1, $2, $3, $4, $5)', named);
      // A worker goes on saying so.
      await admin.query(
        `update rekey.rotations set waiting_for = 'kms', heartbeat_at = now() + interval '1 hour' where id = $1`,
        [rotation],
      );
      return {
        args: ['--old', '0s'],
        mend: () => admin.query('select rekey.cancel_rotation($1)', [rotation]),
      };
    },
  },
  sql(
    'a key that has sealed too often',
    ['SEAL_LIMIT'],
    "insert into rekey.dek_seals (dek_id, seals) select id, 4294967296 from rekey.deks where state = 'active'",
    'delete from rekey.dek_seals where seals = 4294967296',
  ),
  sql(
    'a key whose lock is closed',
    ['LOCK_LOST'],
    `set session_replication_role = replica; update rekey.dek_locks set closed_at = now(); reset session_replication_role`,
    `set session_replication_role = replica; update rekey.dek_locks set closed_at = null; reset session_replication_role`,
  ),
  sql(
    'a key whose material is gone',
    ['MATERIAL_MISSING'],
    `create table kept as select * from rekey.dek_material; set session_replication_role = replica;
     delete from rekey.dek_material; reset session_replication_role`,
    `set session_replication_role = replica; insert into rekey.dek_material select * from kept;
     reset session_replication_role; drop table kept`,
  ),
  sql(
    'a tenant whose last key went out of use',
    ['NO_ACTIVE_KEY'],
    `create table kept as select id from rekey.deks where state = 'active'; set session_replication_role = replica;
     update rekey.deks set state = 'deactivated', deactivated_at = now() where state = 'active';
     reset session_replication_role`,
    `set session_replication_role = replica;
     update rekey.deks set state = 'active', deactivated_at = null where id in (select id from kept);
     reset session_replication_role; drop table kept`,
  ),
  sql(
    'a registration that was not finished',
    ['REGISTRATION_UNFINISHED'],
    `set session_replication_role = replica; update rekey.targets set retired_at = 'infinity' where name = 'api_keys';
     reset session_replication_role`,
    `set session_replication_role = replica; update rekey.targets set retired_at = null where name = 'api_keys';
     reset session_replication_role`,
  ),
];
