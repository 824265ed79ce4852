import type { Store } from '@rekey/db';
import { speaking } from '@rekey/db';
import { escapeLiteral, type PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { leftBehind, type PackedRecords, tooLarge, unpackRecords } from './packed-records.ts';
import { decodeCopy, idText } from './pg-binary.ts';
import { type Bounds, literals, stepItems as usualStepItems, within } from './range-bounds.ts';
import type { Lease } from './range-lease.ts';
import { reusableBytesMax, reusableMemory } from './reusable-memory.ts';
import type { SetAside } from './set-aside.ts';
import type { IdType, Target } from './targets.ts';
import { findUnreadable, isDamage, without } from './unreadable.ts';

export interface WindowBounds {
  readonly tenantId: string;
  readonly newKeyNumber: number;
  /** Exclusive. */
  readonly after: string | null;
  readonly itemsMax: number;
  /** So much comes of a record that is larger than this installation allows: what tells it from every other. */
  readonly identityBytes: number;
  /** At least one record comes, however large. */
  readonly bytesMax: number;
  /** How many one statement looks at. */
  readonly stepItems?: number;
}

export interface Window {
  /** In the order of ids. */
  readonly records: PackedRecords;
  /** Where the next one begins; null: there is nothing behind this one to read. */
  readonly next: string | null;
  /** What Postgres itself cannot read of it; to be set aside. */
  readonly unreadable: readonly SetAside[];
  /** Once nobody looks at its records any more: their memory may be used for another window. */
  [Symbol.dispose](): void;
}

interface InMemory {
  readonly records: PackedRecords;
  /** Where so many records of the range end as one statement looks at; null when the range ends before, or was not looked at so far. */
  readonly lookedAt: string | null;
  [Symbol.dispose](): void;
}

/**
 * A window in which all records are small is bounded by their number alone, and Postgres need not add up their sizes as
 * it goes: a quarter of the cost.
 */
export const smallBytesMax = 1_024;
/** What a window of small records may take at most; with more of them, their sizes are added up. */
const smallWindowBytes = 8 * 1024 * 1024;

/**
 * The next records of a range that are not under the new DEK. One statement looks at a bounded number: a range may have
 * grown by millions under the new one. A record above `value_bytes_max` comes with its beginning only.
 */
export async function readWindow(
  store: Store,
  target: Target,
  { lower, upper }: Pick<Lease, 'lower' | 'upper'>,
  bounds: WindowBounds,
): Promise<Window> {
  const slice = literals(target, bounds.tenantId, bounds.after ?? lower, upper);
  const unreadable: SetAside[] = [];
  for (;;) {
    try {
      return { ...(await readSlice(store, target, slice, bounds, unreadable)), unreadable };
    } catch (error) {
      if (!isDamage(error)) throw error;
      const found = await findUnreadable(store, target, slice, bounds, unreadable);
      if (found.length === 0) throw error;
      unreadable.push(...found);
    }
  }
}

async function readSlice(
  store: Store,
  target: Target,
  slice: Bounds,
  bounds: WindowBounds,
  except: readonly SetAside[],
): Promise<Omit<Window, 'unreadable'>> {
  const { stepItems = usualStepItems } = bounds;
  const inRange = `from ${target.table} t
    where ${within(target, slice)} ${without(target, except)}
    order by t.${target.tenant}, t.${target.id}`;
  const next = `
    select tenant, id, ciphertext from (
      select t.${target.tenant} as tenant, t.${target.id} as id, t.${target.ciphertext} as ciphertext,
        t.${target.key} as key_number ${inRange} limit ${stepItems}) looked_at
    where key_number <> ${bounds.newKeyNumber} order by tenant, id limit ${bounds.itemsMax}`;
  const edge = `(select t.${target.id}::text ${inRange} offset ${stepItems - 1} limit 1)`;
  const small =
    bounds.itemsMax * smallBytesMax <= smallWindowBytes
      ? await readSmall(store, target, next, edge, bounds)
      : null;
  const read = small ?? (await readLarge(store, target, next, edge, bounds));
  const { length, bytes } = read.records;
  const isCut = length >= bounds.itemsMax || (small === null && bytes >= bounds.bytesMax);
  return {
    records: read.records,
    next: isCut ? idText(target.idType, read.records.at(length - 1).id) : read.lookedAt,
    [Symbol.dispose]: read[Symbol.dispose],
  };
}

/** Null when there is a record among them that is not small. */
function readSmall(
  store: Store,
  target: Target,
  next: string,
  edge: string,
  { itemsMax }: WindowBounds,
): Promise<InMemory | null> {
  return readPacked(
    store,
    `select ${imageOf(target.idType)} || case when octet_length(ciphertext) > ${smallBytesMax} then int4send(${leftBehind})
       else int4send(octet_length(ciphertext)) || ciphertext end as packed
     from (${next}) stepped`,
    `case when count(*) < ${itemsMax} then ${edge} end`,
  );
}

async function readLarge(
  store: Store,
  target: Target,
  next: string,
  edge: string,
  { itemsMax, bytesMax, identityBytes }: WindowBounds,
): Promise<InMemory> {
  const isTooLarge = `octet_length(ciphertext) > (select rekey.sealed_bytes_max(${escapeLiteral(target.format)}))`;
  const packed = await readPacked(
    store,
    `select ${imageOf(target.idType)} || case when too_large
         then int4send(${tooLarge}) || int4send(${identityBytes}) || substring(ciphertext from 1 for ${identityBytes})
         else int4send(octet_length(ciphertext)) || ciphertext end as packed, bytes
     from (
       select id, ciphertext, too_large, bytes,
         sum(bytes) over (order by tenant, id rows unbounded preceding) - bytes as bytes_before
       from (
         select tenant, id, ciphertext, too_large,
           case when too_large then ${identityBytes} else octet_length(ciphertext) end as bytes
         from (select tenant, id, ciphertext, ${isTooLarge} as too_large from (${next}) stepped) sized) sizes) weighed
     where bytes_before < ${bytesMax}`,
    `case when count(*) < ${itemsMax} and coalesce(sum(bytes), 0) < ${bytesMax} then ${edge} end`,
  );
  if (packed === null) throw new Error('a record was left behind where none is');
  return packed;
}

/** An id with its length before it. */
export function imageOf(idType: IdType): string {
  switch (idType) {
    case 'uuid':
      return 'int4send(16) || uuid_send(id)';
    case 'bigint':
      return 'int4send(8) || int8send(id)';
    case 'text':
      return 'int4send(octet_length(textsend(id))) || textsend(id)';
  }
}

/**
 * All of them in one value: a row each costs both sides more than the records themselves. COPY, since it alone sends
 * bytes as they are; it takes no parameters, so every value is a number or an escaped literal.
 */
async function readPacked(store: Store, statement: string, edge: string): Promise<InMemory | null> {
  const output = await copy(
    store,
    `copy (select coalesce(string_agg(packed, ''), ''), coalesce(${edge}, '') from (${statement}) window_of_records)
     to stdout (format binary)`,
  );
  const [[packed, last] = []] = decodeCopy(output.bytes);
  if (packed === undefined || last === undefined) throw new Error('a COPY of two values has fewer');
  const records = unpackRecords(packed);
  const lookedAt = last.length === 0 ? null : last.toString('utf8');
  const giveBack = (): void => reusableMemory.giveBack(output.memory);
  if (records !== null) return { records, lookedAt, [Symbol.dispose]: giveBack };
  giveBack();
  return null;
}

/** The tuples of a COPY, as views into memory that is to be given back once nobody looks at them. */
export async function copyTuples(
  store: Store,
  statement: string,
): Promise<{ readonly tuples: Buffer[][]; giveBack(): void }> {
  const { bytes, memory } = await copy(store, statement);
  return { tuples: decodeCopy(bytes), giveBack: () => reusableMemory.giveBack(memory) };
}

/** What the last window of usual size took: the next one begins with as much, and grows if it has to. */
let usualBytes = 0;

/** Its output, at the beginning of memory to be given back. */
async function copy(
  store: Store,
  statement: string,
): Promise<{ readonly bytes: Buffer; readonly memory: Buffer }> {
  return speaking(async () => {
    const client: PoolClient = await store.connect();
    let broken: Error | undefined;
    const onDeath = (error: Error): void => {
      broken = error;
    };
    client.on('error', onDeath);
    try {
      let memory = reusableMemory.take(usualBytes);
      let end = 0;
      for await (const chunk of client.query(copyTo(statement)) as AsyncIterable<Buffer>) {
        if (end + chunk.length > memory.length) {
          const more = reusableMemory.take(Math.max(2 * memory.length, end + chunk.length));
          memory.copy(more, 0, 0, end);
          reusableMemory.giveBack(memory);
          memory = more;
        }
        chunk.copy(memory, end);
        end += chunk.length;
      }
      usualBytes = Math.min(end, reusableBytesMax);
      return { bytes: memory.subarray(0, end), memory };
    } catch (error) {
      broken = error instanceof Error ? error : new Error('a COPY failed');
      throw error;
    } finally {
      client.off('error', onDeath);
      client.release(broken);
    }
  });
}
