import type { Store } from '@rekey/db';
import { prepared } from '@rekey/db';
import type { SealedRecord } from './packed-records.ts';
import { createArrayImage, encodeArray } from './pg-binary.ts';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';

/** Records sealed anew, as the arrays that the statement takes: each is laid out where it is sent from. */
export interface Replacements {
  readonly items: number;
  /** Of the new ciphertexts, about. */
  readonly bytes: number;
  /** `seal` writes the record's new ciphertext, which is as long as the old one. If it throws, nothing is added. */
  add(record: SealedRecord, seal: (into: Buffer, at: number) => void): void;
  /** Ids, what each must still be for the new bytes to take its place, and the new bytes. */
  arrays(): readonly [Buffer, Buffer, Buffer];
  /** Once they are written: their memory may be used for other batches, and nothing of it looked at any more. */
  release(): void;
}

export function createReplacements(
  target: Target,
  itemsExpected: number,
  bytesExpected: number,
): Replacements {
  const ids = createArrayImage(target.idType, itemsExpected, 16 * itemsExpected);
  const seen = createArrayImage('bytea', itemsExpected, seenBytes * itemsExpected);
  const sealed = createArrayImage('bytea', itemsExpected, bytesExpected);
  return {
    get items() {
      return ids.elements;
    },
    get bytes() {
      return sealed.bytes;
    },
    add({ id, ciphertext }, seal) {
      sealed.append(ciphertext.length, seal);
      ids.append(id.length, (into, at) => id.copy(into, at));
      seen.append(seenBytes, (into, at) => ciphertext.copy(into, at, 0, seenBytes));
    },
    arrays: () => [ids.image(), seen.image(), sealed.image()],
    release() {
      for (const array of [ids, seen, sealed]) array.release();
    },
  };
}

/** A record that would not open: it is named, and left as it is. */
export interface SetAside {
  readonly id: Buffer;
  readonly seen: Buffer;
  readonly reason: string;
}

export interface Batch {
  readonly tenantId: string;
  readonly newKeyNumber: number;
  readonly replacements: Replacements;
  readonly setAside: readonly SetAside[];
  /** Where the sweep stands once this batch is committed; null when records before it are still to be written. */
  readonly cursor: string | null;
}

/** How many bytes of a ciphertext tell it from every other: version, key number and IV. */
export const seenBytes = 17;

/**
 * Writes a batch by compare-and-swap, names what was set aside, counts, and moves the cursor, in one statement and
 * so all or nothing. A record that changed since it was read is left alone. Returns how many records were replaced,
 * or null when the lease is lost (nothing is written then).
 *
 * `wait`: waits for locked records up to the store's lock timeout, then throws `LOCKED` with nothing written.
 * `skip`: leaves locked records out; they stay on their older key, where the proof finds them.
 */
export async function writeBatch(
  store: Store,
  target: Target,
  lease: Lease,
  batch: Batch,
  locked: 'wait' | 'skip',
): Promise<number | null> {
  const { replacements, setAside } = batch;
  const [ids, seen, sealed] = replacements.arrays();
  const [written] = await prepared<{ replaced: string }>(store, statements(target)[locked], [
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
      setAside.map(({ seen }) => seen),
    ),
    setAside.map(({ reason }) => reason),
    batch.cursor,
    replacements.items,
  ]);
  return written === undefined ? null : Number(written.replaced);
}

// By the target that was loaded, not by its name: a process may work on several databases.
const known = new WeakMap<Target, Record<'wait' | 'skip', string>>();

function statements(target: Target): Record<'wait' | 'skip', string> {
  const before = known.get(target);
  if (before !== undefined) return before;
  const made = { wait: statement(target, ''), skip: statement(target, skipLocked(target)) };
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
      select t.${id} as id from ${table} t join unnest($5::${idType}[]) as w(id) on t.${id} = w.id
      where ${isTenants(target)} for no key update of t skip locked),`;
}

/**
 * The comparison with what was seen stands on the target's own columns in the outermost WHERE: only there does
 * Postgres check it again after it waited for a lock. Ahead of it, the lease's row is locked and checked, so that a
 * worker that lost its lease writes nothing; a plain join would read it as of the statement's beginning.
 */
function statement(target: Target, free: string): string {
  const { table, id, idType, key, ciphertext } = target;
  return `with lease as materialized (
      select 1 from rekey.rotation_ranges
      where rotation_id = $1 and target = $2 and ordinal = $3 and owner = $4 for update),
    ${free}
    replaced as (
      update ${table} t set ${ciphertext} = w.sealed, ${key} = $8
      from unnest($5::${idType}[], $6::bytea[], $7::bytea[]) as w(id, seen, sealed), lease${free === '' ? '' : ', free'}
      where t.${id} = w.id ${free === '' ? '' : 'and free.id = w.id'}
        and ${isTenants(target)} and substring(t.${ciphertext} from 1 for ${seenBytes}) = w.seen
      returning 1),
    aside as (
      insert into rekey.rotation_failures (rotation_id, target, record_id, reason)
      select $1, $2, t.${id}::text, w.reason
      from unnest($10::${idType}[], $11::bytea[], $12::text[]) as w(id, seen, reason), lease, ${table} t
      where t.${id} = w.id and ${isTenants(target)} and substring(t.${ciphertext} from 1 for ${seenBytes}) = w.seen
      on conflict do nothing returning 1)
    update rekey.rotation_ranges g
    set rotated = g.rotated + (select count(*) from replaced), failed = g.failed + (select count(*) from aside),
      sealed = g.sealed + $14, cursor_id = coalesce($13, g.cursor_id), heartbeat_at = clock_timestamp()
    from lease
    where g.rotation_id = $1 and g.target = $2 and g.ordinal = $3 and g.owner = $4
    returning (select count(*) from replaced) as replaced`;
}
