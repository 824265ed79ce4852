import type { PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Store } from './open-store.ts';
import { decodeCopy } from './pg-binary.ts';
import { literals, within } from './range-bounds.ts';
import type { Lease } from './range-lease.ts';
import { speaking } from './store-error.ts';
import type { Target } from './targets.ts';

/** A sealed record as it was read: what the compare-and-swap compares with. */
export interface SealedRecord {
  /** The binary image of its id: what its ciphertext is bound to, and what goes back into the UPDATE. */
  readonly id: Buffer;
  readonly ciphertext: Buffer;
}

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
  readonly records: SealedRecord[];
  /** Whether the range ended within the window: there is nothing behind it to read. */
  readonly isLast: boolean;
}

/** The next records of a range that are not under the new DEK. */
export async function readWindow(
  store: Store,
  target: Target,
  { lower, upper }: Pick<Lease, 'lower' | 'upper'>,
  bounds: WindowBounds,
): Promise<Window> {
  // COPY takes no parameters; every value is a number or an escaped literal.
  const output = await copy(
    store,
    `copy (
       select id, ciphertext from (
         select id, ciphertext,
           sum(octet_length(ciphertext)) over (order by tenant, id rows unbounded preceding)
             - octet_length(ciphertext) as bytes_before
         from (
           select t.${target.tenant} as tenant, t.${target.id} as id, t.${target.ciphertext} as ciphertext
           from ${target.table} t
           where ${within(target, literals(target, bounds.tenantId, bounds.after ?? lower, upper))}
             and t.${target.key} <> ${bounds.newKeyNumber}
           order by t.${target.tenant}, t.${target.id} limit ${bounds.itemsMax}) stepped) weighed
       where bytes_before < ${bounds.bytesMax}
     ) to stdout (format binary)`,
  );
  const records = decodeCopy(output).map((tuple) => {
    const [recordId, ciphertext] = tuple;
    if (recordId === undefined || ciphertext === undefined)
      throw new Error('a window of two columns has fewer');
    return { id: recordId, ciphertext };
  });
  const bytes = records.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0);
  // A window that neither limit can have cut short.
  return { records, isLast: records.length < bounds.itemsMax && bytes < bounds.bytesMax };
}

async function copy(store: Store, statement: string): Promise<Buffer> {
  return speaking(async () => {
    const client: PoolClient = await store.connect();
    let broken: Error | undefined;
    const onDeath = (error: Error): void => {
      broken = error;
    };
    client.on('error', onDeath);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of client.query(copyTo(statement))) chunks.push(chunk);
      return Buffer.concat(chunks);
    } catch (error) {
      broken = error instanceof Error ? error : new Error('a COPY failed');
      throw error;
    } finally {
      client.off('error', onDeath);
      client.release(broken);
    }
  });
}
