import type { ColumnValue } from '@rekey/data';
import type { Queryable } from '@rekey/db';

export interface RecordRef {
  /** The name under which the table was registered, e.g. `credentials`. */
  readonly target: string;
  readonly tenantId: string;
  readonly id: string;
  /**
   * A transaction of the caller's: a connection of node-postgres with one open, or a function around that of another driver
   * or an ORM. Without one the vault uses its own.
   */
  readonly client?: Queryable;
}

/** Records of one tenant in one table. */
export interface RecordRefs extends Omit<RecordRef, 'id'> {
  readonly ids: readonly string[];
}

/** A record as a query of the application's own has fetched it. */
export interface SealedRow extends Omit<RecordRef, 'client'> {
  /** The bytes of the sealed column. */
  readonly ciphertext: Uint8Array;
}

/** Plain columns to write with a record, by name. A string is what Postgres reads for the column's type. */
export type Columns = Readonly<Record<string, ColumnValue>>;

export interface PutRecord extends RecordRef {
  readonly value: Uint8Array;
  /** Needed for a new record whose table has columns without defaults; without them an existing record's stay. */
  readonly columns?: Columns;
}

export interface PutRecords extends Omit<RecordRef, 'id'> {
  /** Each with another id and with the same columns. */
  readonly records: ReadonlyArray<{
    readonly id: string;
    readonly value: Uint8Array;
    readonly columns?: Columns;
  }>;
}
