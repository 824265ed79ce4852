import type { Store } from '@rekey/db';
import { speaking } from '@rekey/db';
import type { PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { leftBehind, type PackedRecords, unpackRecords } from './packed-records.ts';
import { decodeCopy } from './pg-binary.ts';
import { literals, within } from './range-bounds.ts';
import type { Lease } from './range-lease.ts';
import { reusableBytesMax, reusableMemory } from './reusable-memory.ts';
import type { IdType, Target } from './targets.ts';

export interface WindowBounds {
  readonly tenantId: string;
  readonly newKeyNumber: number;
  /** Exclusive. */
  readonly after: string | null;
  readonly itemsMax: number;
  /** At least one record comes, however large. */
  readonly bytesMax: number;
}

export interface Window {
  /** In the order of ids. */
  readonly records: PackedRecords;
  /** Whether the range ended within the window: there is nothing behind it to read. */
  readonly isLast: boolean;
  /** Once nobody looks at its records any more: their memory may be used for another window. */
  release(): void;
}

interface InMemory {
  readonly records: PackedRecords;
  release(): void;
}

/**
 * A window in which all records are small is bounded by their number alone, and Postgres need not add up their sizes as
 * it goes: a quarter of the cost.
 */
const smallBytesMax = 1_024;
/** What a window of small records may take at most; with more of them, their sizes are added up. */
const smallWindowBytes = 8 * 1024 * 1024;

/** The next records of a range that are not under the new DEK. */
export async function readWindow(
  store: Store,
  target: Target,
  { lower, upper }: Pick<Lease, 'lower' | 'upper'>,
  bounds: WindowBounds,
): Promise<Window> {
  const next = `
    select t.${target.tenant} as tenant, t.${target.id} as id, t.${target.ciphertext} as ciphertext
    from ${target.table} t
    where ${within(target, literals(target, bounds.tenantId, bounds.after ?? lower, upper))}
      and t.${target.key} <> ${bounds.newKeyNumber}
    order by t.${target.tenant}, t.${target.id} limit ${bounds.itemsMax}`;
  const small =
    bounds.itemsMax * smallBytesMax <= smallWindowBytes ? await readSmall(store, target, next) : null;
  if (small !== null) return { ...small, isLast: small.records.length < bounds.itemsMax };

  const packed = await readPacked(
    store,
    `select ${imageOf(target.idType)} || int4send(octet_length(ciphertext)) || ciphertext as packed from (
       select id, ciphertext,
         sum(octet_length(ciphertext)) over (order by tenant, id rows unbounded preceding)
           - octet_length(ciphertext) as bytes_before
       from (${next}) stepped) weighed
     where bytes_before < ${bounds.bytesMax}`,
  );
  if (packed === null) throw new Error('a record was left behind where none is');
  const { length, bytes } = packed.records;
  // A window that neither limit can have cut short.
  return { ...packed, isLast: length < bounds.itemsMax && bytes < bounds.bytesMax };
}

/** Null when there is a record among them that is not small. */
function readSmall(store: Store, target: Target, next: string): Promise<InMemory | null> {
  return readPacked(
    store,
    `select ${imageOf(target.idType)} || case when octet_length(ciphertext) > ${smallBytesMax} then int4send(${leftBehind})
       else int4send(octet_length(ciphertext)) || ciphertext end as packed
     from (${next}) stepped`,
  );
}

/** An id with its length before it. */
function imageOf(idType: IdType): string {
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
async function readPacked(store: Store, statement: string): Promise<InMemory | null> {
  const output = await copy(
    store,
    `copy (select coalesce(string_agg(packed, ''), '') from (${statement}) window_of_records) to stdout (format binary)`,
  );
  const [[packed] = []] = decodeCopy(output.bytes);
  if (packed === undefined) throw new Error('a COPY of one value has none');
  const records = unpackRecords(packed);
  const release = (): void => reusableMemory.giveBack(output.memory);
  if (records !== null) return { records, release };
  release();
  return null;
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
