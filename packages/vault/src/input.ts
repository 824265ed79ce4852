import { types } from 'node:util';
import type { ColumnValue, Target } from '@rekey/data';
import { EnvelopeError, recordIdBytes, uuidBytes } from '@rekey/envelope';
import type { Columns, PutRecords } from './types.ts';
import { VaultError } from './vault-error.ts';

/** What a put was given, in memory of our own: the caller may change his while it is under way. */
export interface Order {
  readonly target: string;
  readonly tenantId: string;
  readonly records: readonly OrderedRecord[];
  /** Zeroes the values. */
  wipe(): void;
}

export interface OrderedRecord {
  readonly id: string;
  readonly value: Buffer;
  readonly columns: Columns | undefined;
  /** Of value and columns, about. */
  readonly bytes: number;
}

/** A `putMany` or `getMany` may hold so much in all, or one value if that may be more. */
export const valuesBytesMax = 256 << 20;

/** Throws `INVALID_ID`, `INVALID_VALUE` or `TOO_LARGE`. */
export function takeOrder({ target, tenantId, records }: PutRecords, valueBytesMax: number): Order {
  const tenant = checkedTenant(tenantId);
  let total = 0;
  for (const { value } of records) {
    if (!types.isUint8Array(value)) throw new VaultError('INVALID_VALUE', 'A value is a Uint8Array');
    if (value.length > valueBytesMax) throw tooLarge('A value', valueBytesMax);
    total += value.length;
    if (total > Math.max(valuesBytesMax, valueBytesMax)) throw tooLarge('A putMany', valuesBytesMax);
  }
  const memory = Buffer.allocUnsafeSlow(total); // never a slice of Node's pool
  const names = columnNames(records[0]?.columns);
  let end = 0;
  try {
    const taken = records.map(({ id, value, columns }): OrderedRecord => {
      if (typeof id !== 'string') throw new VaultError('INVALID_ID', 'An id is a string');
      if (columnNames(columns) !== names) {
        throw new VaultError('INVALID_VALUE', 'The records of a putMany name the same columns');
      }
      const own = memory.subarray(end, end + value.length);
      end += own.length;
      copy(value, own);
      const ownColumns = columns === undefined ? undefined : copyColumns(columns, valueBytesMax);
      return { id, value: own, columns: ownColumns, bytes: own.length + sizeOf(ownColumns) };
    });
    return { target, tenantId: tenant, records: taken, wipe: () => memory.fill(0) };
  } catch (error) {
    memory.fill(0);
    throw error;
  }
}

function copy(value: Uint8Array, into: Buffer): void {
  try {
    into.set(value);
  } catch {
    throw new VaultError('INVALID_VALUE', "A value's memory was detached or resized");
  }
  // What its memory was cut off from has no length any more: it must not pass for an empty value.
  if (value.length !== into.length) throw new VaultError('INVALID_VALUE', 'A value changed its length');
}

function columnNames(columns: Columns | undefined): string | undefined {
  return columns === undefined ? undefined : JSON.stringify(Object.keys(columns).sort());
}

function copyColumns(columns: Columns, bytesMax: number): Columns {
  const copies = Object.entries(columns).map(([name, value]): [string, ColumnValue] => {
    const own = copyOf(name, value);
    if (lengthOf(own) > bytesMax) throw tooLarge(`Column ${name}`, bytesMax);
    return [name, own];
  });
  return Object.fromEntries(copies);
}

function copyOf(name: string, value: unknown): ColumnValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (types.isDate(value)) return new Date(value.getTime());
  if (types.isUint8Array(value)) {
    const own = Buffer.alloc(value.length);
    copy(value, own);
    return own;
  }
  throw new VaultError(
    'INVALID_VALUE',
    `Column ${name}: a string, number, bigint, boolean, Date, bytes or null`,
  );
}

function lengthOf(value: ColumnValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : 8;
}

function sizeOf(columns: Columns | undefined): number {
  return columns === undefined
    ? 0
    : Object.values(columns).reduce<number>((sum, value) => sum + lengthOf(value), 0);
}

/** A view of what was given. Throws `INVALID_VALUE` for what is none. */
export function bytesOf(given: unknown, what: string): Buffer {
  if (!types.isUint8Array(given)) throw new VaultError('INVALID_VALUE', `${what} is a Uint8Array`);
  return Buffer.from(given.buffer, given.byteOffset, given.length);
}

export function tooLarge(what: string, bytesMax: number): VaultError {
  return new VaultError('TOO_LARGE', `${what} is larger than ${bytesMax} bytes`);
}

/** In lower case. Throws `INVALID_ID`. */
export function checkedTenant(tenantId: unknown): string {
  try {
    if (typeof tenantId !== 'string') throw new EnvelopeError('INVALID_ID', 'not a string');
    uuidBytes(tenantId);
    return tenantId.toLowerCase();
  } catch (error) {
    throw new VaultError('INVALID_ID', "A tenant's id is a UUID", { cause: error });
  }
}

/** The binary image of a record's id. Throws `INVALID_ID` for one that is not of the target's type. */
export function idImage({ name, idType }: Target, id: unknown): Buffer {
  try {
    if (typeof id !== 'string') throw new EnvelopeError('INVALID_ID', 'not a string');
    return recordIdBytes(idType, id);
  } catch (error) {
    throw new VaultError('INVALID_ID', `An id of ${name} is of type ${idType}`, { cause: error });
  }
}
