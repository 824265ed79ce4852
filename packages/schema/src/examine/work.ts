import { type Queryable, row, rows } from '@rekey/db';
import { type Examined, error, some, warning } from './finding.ts';

/** NIST SP 800-38D: under one key of random nonces. Vaults refuse beyond it; half of it is the time to rotate. */
const sealsMax = 2 ** 32;

export interface Patience {
  /** For how long something may go on, or stand still, before it is worth a line. */
  readonly oldMs: number;
}

/** Rotations that nobody works on, and those that have waited for long. */
export async function examineRotations(on: Queryable, { oldMs }: Patience): Promise<Examined> {
  const found = await rows<{ id: string; silent: boolean; waiting_for: string | null; todo: string | null }>(
    on,
    `select id, coalesce(heartbeat_at, started_at) < clock_timestamp() - $1 * interval '1 ms' as silent, waiting_for,
       waiting_detail ->> 'todo' as todo
     from rekey.rotations where status = 'in_progress'
       and (coalesce(heartbeat_at, started_at) < clock_timestamp() - $1 * interval '1 ms'
         or waiting_for is not null and started_at < clock_timestamp() - $1 * interval '1 ms')
     order by started_at limit 20`,
    [oldMs],
  );
  return {
    findings: found.map(({ id, silent, waiting_for: what, todo }) =>
      silent
        ? error(
            'ROTATION_STUCK',
            `No worker has given a sign of work on rot-${id}.`,
            `see whether a worker runs, on this database, this Redis and this QUEUE_PREFIX; rekey status rot-${id}`,
          )
        : warning(
            'ROTATION_WAITS',
            `rot-${id} waits for ${what ?? 'something'}.`,
            `${todo ?? 'see why'}; rekey status rot-${id}`,
          ),
    ),
  };
}

/** DEKs by what is kept of them. */
export async function examineDeks(on: Queryable): Promise<Examined> {
  const seals = await rows<{ tenant_id: string; seals: string }>(
    on,
    `select d.tenant_id, s.seals::text from rekey.deks d join rekey.dek_seal_counts s on s.dek_id = d.id
     where d.state = 'active' and s.seals >= $1 order by s.seals desc limit 20`,
    [sealsMax / 2],
  );
  const lost = await rows<{ tenant_id: string }>(
    on,
    `select d.tenant_id from rekey.deks d where d.state = 'active'
       and not exists (select from rekey.dek_locks l where l.dek_id = d.id and l.closed_at is null) order by 1`,
  );
  const idle = await rows<{ tenant_id: string }>(
    on,
    `select distinct d.tenant_id from rekey.deks d where d.state in ('deactivated', 'compromised')
       and not exists (select from rekey.deks a where a.tenant_id = d.tenant_id and a.state = 'active') order by 1`,
  );
  const gone = await withoutMaterial(on);
  return {
    findings: [
      ...(gone.length === 0
        ? []
        : [
            error(
              'MATERIAL_MISSING',
              `Nothing is stored of ${some(gone)}: what is sealed under it, nobody opens.`,
              'bring rekey.dek_material back from a backup, before anything else is written',
            ),
          ]),
      ...(idle.length === 0
        ? []
        : [
            error(
              'NO_ACTIVE_KEY',
              `No key is active of ${some(idle.map(({ tenant_id: tenant }) => tenant))}: nothing can be written there.`,
              'see who changed rekey.deks, past its guards (rekey audit list)',
            ),
          ]),
      ...seals.map(({ tenant_id: tenant, seals: count }) =>
        Number(count) >= sealsMax
          ? error(
              'SEAL_LIMIT',
              `The DEK of tenant ${tenant} has sealed ${count} times, which is the limit: its writes are refused.`,
              `rekey rotate --tenant ${tenant}`,
            )
          : warning(
              'SEALS_HALF_USED',
              `The DEK of tenant ${tenant} has sealed ${count} times, of ${sealsMax}.`,
              `rekey rotate --tenant ${tenant}`,
            ),
      ),
      ...(lost.length === 0
        ? []
        : [
            error(
              'LOCK_LOST',
              `The active DEK of ${some(lost.map(({ tenant_id: tenant }) => tenant))} has no open row in rekey.dek_locks: nothing can be written under it.`,
              'rotate again after a cancel',
            ),
          ]),
    ],
  };
}

/** DEKs that open something and are not stored; of who may not read wrapped keys, none. */
async function withoutMaterial(on: Queryable): Promise<string[]> {
  const { may } = await row<{ may: boolean }>(
    on,
    `select has_table_privilege('rekey.dek_material', 'select') as may`,
  );
  if (!may) return [];
  const found = await rows<{ id: string }>(
    on,
    `select 'dek-' || d.id as id from rekey.deks d where d.state in ('active', 'deactivated', 'compromised')
       and not exists (select from rekey.dek_material m where m.dek_id = d.id) order by 1`,
  );
  return found.map(({ id }) => id);
}

/** Transactions that a switch, a drain or a registration would wait for. */
export async function examineTransactions(on: Queryable, { oldMs }: Patience): Promise<Examined> {
  const { sees } = await row<{ sees: boolean }>(
    on,
    `select pg_has_role('pg_read_all_stats', 'usage') as sees`,
  );
  const open = await rows<{ pid: number; name: string; seconds: number }>(
    on,
    `select pid, coalesce(nullif(application_name, ''), usename) as name,
       extract(epoch from clock_timestamp() - xact_start)::int as seconds
     from pg_catalog.pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
       and xact_start < clock_timestamp() - $1 * interval '1 ms' order by xact_start limit 20`,
    [oldMs],
  );
  const prepared = await rows<{ gid: string; seconds: number }>(
    on,
    `select gid, extract(epoch from clock_timestamp() - prepared)::int as seconds from pg_catalog.pg_prepared_xacts
     where database = current_database() and prepared < clock_timestamp() - $1 * interval '1 ms'
     order by prepared limit 20`,
    [oldMs],
  );
  return {
    unseen: sees ? [] : ['transactions of other roles: this one is no member of pg_read_all_stats'],
    findings: [
      ...open.map(({ pid, name, seconds }) =>
        warning(
          'OLD_TRANSACTION',
          `A transaction of ${name} (process ${pid}) has been open for ${seconds} s: a switch waits for it if it wrote for the tenant.`,
          `end it where it began, or: select pg_terminate_backend(${pid})`,
        ),
      ),
      ...prepared.map(({ gid, seconds }) =>
        warning(
          'PREPARED_TRANSACTION',
          `The prepared transaction ${gid} has been left for ${seconds} s, with all its locks.`,
          'commit prepared or rollback prepared, as whoever prepared it decided',
        ),
      ),
    ],
  };
}
