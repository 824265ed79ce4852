import { Client, Pool } from 'pg';
import type { Queryable } from './queryable.ts';
import { isSqlState } from './sql-state.ts';

/** What hands its statements on to node-postgres unchanged. */
const handsOn = new WeakSet<object>();

export function markAsPg<T extends object>(queryable: T): T {
  handsOn.add(queryable);
  return queryable;
}

/** Whether it is the node-postgres of this program, to which values in binary and prepared statements can be given. */
export function isPg(on: Queryable): on is Queryable & Pick<Client, 'query'> {
  return on instanceof Client || on instanceof Pool || handsOn.has(on);
}

/**
 * Through another driver, or another copy of node-postgres: with values in the forms that every driver passes on as they
 * are, and with the error that Postgres gave, however many times it was wrapped.
 */
export async function askElsewhere(
  on: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<{ rows: unknown[]; rowCount: number | null }> {
  try {
    const { rows, rowCount } = await on.query(text, values.map(plain));
    return { rows: rows.map(withBuffers), rowCount: rowCount ?? null };
  } catch (error) {
    throw saidByPostgres(error) ?? error;
  }
}

/** Bytes by themselves every driver can send; in arrays some take them for something else. */
function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return arrayText(value.map((element) => (element instanceof Uint8Array ? byteaText(element) : element)));
}

export function byteaText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;
}

/** An array as Postgres reads it, whatever its elements' type. */
export function arrayText(elements: readonly unknown[]): string {
  const quoted = elements.map((element) =>
    element === null ? 'NULL' : `"${String(element).replace(/["\\]/g, '\\$&')}"`,
  );
  return `{${quoted.join(',')}}`;
}

function withBuffers(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row;
  const isOther = (value: unknown): value is Uint8Array =>
    value instanceof Uint8Array && !Buffer.isBuffer(value);
  if (!Object.values(row).some(isOther)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      isOther(value) ? Buffer.from(value.buffer, value.byteOffset, value.length) : value,
    ]),
  );
}

/** ORMs wrap what the driver threw, some more than once. */
const wrapsMax = 5;

function saidByPostgres(error: unknown): Error | undefined {
  let inner = error;
  for (let depth = 0; depth <= wrapsMax && inner instanceof Error; depth += 1) {
    if ('code' in inner && typeof inner.code === 'string' && isSqlState(inner.code)) return inner;
    inner = inner.cause;
  }
  return undefined;
}
