import { inTransaction, prepared, type Queryable, rows, type Store } from '@rekey/db';
import { decodeArray, encodeArray } from './pg-binary.ts';
import type { Lease } from './range-lease.ts';
import type { Replacements } from './replacements.ts';
import type { SetAside } from './set-aside.ts';
import type { Target } from './targets.ts';

export interface Batch {
  readonly tenantId: string;
  readonly newKeyNumber: number;
  readonly replacements: Replacements;
  readonly setAside: readonly SetAside[];
  /** Where the sweep stands once this batch is committed; null when records before it are still to be written. */
  readonly cursor: string | null;
}

/**
 * - `wait`: waits for locked records up to the store's lock timeout, then throws `LOCKED` with nothing written.
 * - `skip`: leaves locked records out; they stay on their older key, where the proof finds them.
 * - `judge`: as `skip`, for records that were not replaced once before: one that is not locked, is as it was seen and
 *   cannot be replaced all the same, is kept as it is by a trigger, and set aside.
 */
export type Locked = 'wait' | 'skip' | 'judge';

/**
 * Writes a batch by compare-and-swap, names what was set aside, counts, and moves the cursor, in one statement and
 * so all or nothing. A record that changed since it was read is left alone. Returns how many records were replaced,
 * or null when the lease is lost (nothing is written then).
 */
export async function writeBatch(
  on: Queryable,
  target: Target,
  lease: Lease,
  batch: Batch,
  locked: Locked,
): Promise<number | null> {
  const { replacements, setAside } = batch;
  const [ids, seen, sealed] = replacements.arrays();
  const sent = prepared<{ replaced: string }>(on, statements(target)[locked], [
    lease.rotationId,
    lease.target,
    lease.ordinal,
    lease.owner,
    ids,
    seen,
    sealed,
    batch.newKeyNumber,
    batch.tenantId,
    encodeArray(
      target.idType,
      setAside.map(({ id }) => id),
    ),
    encodeArray(
      'bytea',
      setAside.map(({ seen }) => seen ?? unseen),
    ),
    setAside.map(({ reason }) => reason),
    batch.cursor,
    replacements.items,
    replacements.identityBytes,
  ]);
  // Of one that failed nobody knows how much the connection has yet to send.
  const [written] = await sent.catch((error: unknown) => {
    replacements.keep();
    throw error;
  });
  return written === undefined ? null : Number(written.replaced);
}

const unseen = Buffer.alloc(0);

/**
 * Writes a batch of one record that others keep locked most of the time: waits in its queue for longer than a batch
 * may, which is done while nothing else is held. Throws `LOCKED` after it. The patience stays below Postgres' deadlock
 * timeout, so that no application is ever looked at for a deadlock because of it.
 */
export async function writeAlone(
  store: Store,
  target: Target,
  lease: Lease,
  batch: Batch,
  patienceMs: number,
): Promise<number | null> {
  const [id] = decodeArray(batch.replacements.arrays()[0]);
  return inTransaction(store, async (tx) => {
    const patience = `select set_config('lock_timeout', least($1::int, (
      extract(epoch from current_setting('deadlock_timeout')::interval) * 700)::int)::text, true)`;
    const [before] = await rows<{ ms: string }>(tx, `select current_setting('lock_timeout') as ms`);
    await rows(tx, patience, [patienceMs]);
    await rows(
      tx,
      `select from ${target.table} t join unnest($1::${target.idType}[]) as w(id) on t.${target.id} = w.id
       where (t.${target.tenant} = $2) is true for no key update of t`,
      [encodeArray(target.idType, id === undefined ? [] : [id]), batch.tenantId],
    );
    await rows(tx, `select set_config('lock_timeout', $1, true)`, [before?.ms]);
    return writeBatch(tx, target, lease, batch, 'judge');
  });
}

// By the target that was loaded, not by its name: a process may work on several databases.
const known = new WeakMap<Target, Record<Locked, string>>();

function statements(target: Target): Record<Locked, string> {
  const before = known.get(target);
  if (before !== undefined) return before;
  const made = {
    wait: statement(target, '', false),
    skip: statement(target, skipLocked(target), false),
    judge: statement(target, skipLocked(target), true),
  };
  known.set(target, made);
  return made;
}

/**
 * That a record is the tenant's, in a form that the planner cannot take for a way to find it. Records are found by
 * their ids; with statistics that a bulk load left behind, the planner would rather walk through all of the tenant's.
 */
function isTenants({ tenant }: Target): string {
  return `(t.${tenant} = $9) is true`;
}

function skipLocked(target: Target): string {
  const { table, id, idType } = target;
  return `free as materialized (
      select t.${id} as id from ${table} t join unnest($5::${idType}[], $6::bytea[]) as w(id, seen) on t.${id} = w.id
      where ${isTenants(target)} and ${isAsSeen(target, '$15')} for no key update of t skip locked),`;
}

/** `bytes`: the parameter that says how many of them tell a value from every other. */
export function isAsSeen({ ciphertext }: Target, bytes: string): string {
  return `substring(t.${ciphertext} from 1 for ${bytes}::int) = w.seen`;
}

/** Those that could be locked, are as they were seen, and are not under the new DEK for all that. */
const keptAsTheyAre = `
      union all
      select free.id::text, 'REFUSED_BY_TRIGGER' from free, lease
      where not exists (select from replaced r where r.id = free.id and r.taken)`;

/**
 * The comparison with what was seen stands on the target's own columns in the outermost WHERE: only there does
 * Postgres check it again after it waited for a lock. Ahead of it, the lease's row is locked and checked, so that a
 * worker that lost its lease writes nothing; a plain join would read it as of the statement's beginning.
 *
 * What counts as replaced is what came out under the new DEK: a trigger of the application may have put the old bytes
 * back (that is not counted) or others in their place (that is refused, before they are committed).
 */
function statement(target: Target, free: string, judges: boolean): string {
  const { table, id, idType, key, ciphertext } = target;
  return `with lease as materialized (
      select 1 where rekey.hold_lease($1, $2, $3, $4)),
    ${free}
    replaced as (
      update ${table} t set ${ciphertext} = w.sealed, ${key} = $8
      from unnest($5::${idType}[], $6::bytea[], $7::bytea[]) as w(id, seen, sealed), lease${free === '' ? '' : ', free'}
      where t.${id} = w.id ${free === '' ? '' : 'and free.id = w.id'}
        and ${isTenants(target)} and ${isAsSeen(target, '$15')}
      returning ${judges ? `t.${id} as id, ` : ''}case when t.${key} is distinct from $8 then false
        when t.${ciphertext} = w.sealed then true else rekey.refuse_altered($2) end as taken),
    aside(id, reason) as materialized (
      select t.${id}::text, w.reason
      from unnest($10::${idType}[], $11::bytea[], $12::text[]) as w(id, seen, reason), lease, ${table} t
      where t.${id} = w.id and ${isTenants(target)}
        and case when w.seen = '' then t.${key} <> $8 else ${isAsSeen(target, '$15')} end${judges ? keptAsTheyAre : ''}),
    done as materialized (
      select count(*) filter (where taken) as replaced from replaced)
    select replaced, rekey.note_batch($1, $2, $3, $4, replaced, $14, $13,
      (select array_agg(id) from aside), (select array_agg(reason) from aside)) as noted
    from done, lease`;
}
