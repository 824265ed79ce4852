import { type Queryable, rows } from '@rekey/db';
import { escapeIdentifier } from 'pg';
import { RecordError } from './record-error.ts';
import type { Target } from './targets.ts';

/** A plain column's value, as an application gives it; a string is what Postgres reads for the column's type. */
export type ColumnValue = string | number | bigint | boolean | Date | Uint8Array | null;

/** A plain column of a target's table. */
export interface PlainColumn {
  /** Its type without length, scale or domain, as SQL: a cast to it cuts and rounds nothing. */
  readonly base: string;
  /** Whether bytes can be given for it. */
  readonly isBytes: boolean;
  /** SQL that is true when a given text would be stored as another value; null where that is refused by itself. */
  altered(text: string): string | null;
}

/** By name. */
export type PlainColumns = ReadonlyMap<string, PlainColumn>;

interface Known {
  readonly columns: Promise<PlainColumns>;
  readonly until: number;
}

// By the target that was loaded, not by its name: a process may work on several databases.
const known = new WeakMap<Target, Known>();

/** A column that is added or changed is seen at the latest then; where it makes a write fail, at once. */
const knownMs = 60_000;

/** The plain columns of a target's table; looked up once in a while. */
export function plainColumns(on: Queryable, target: Target): Promise<PlainColumns> {
  const found = known.get(target);
  if (found !== undefined && found.until > performance.now()) return found.columns;
  const columns = lookUp(on, target);
  known.set(target, { columns, until: performance.now() + knownMs });
  columns.catch(() => known.delete(target));
  return columns;
}

/** After a write that failed: somebody may have changed the table. */
export function forgetColumns(target: Target): void {
  known.delete(target);
}

async function lookUp(on: Queryable, target: Target): Promise<PlainColumns> {
  const found = await rows<FoundColumn>(
    on,
    `with recursive columns as (
       select attname, atttypid as type, atttypmod as modifier from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
       union all
       select c.attname, t.typbasetype, case t.typtypmod when -1 then c.modifier else t.typtypmod end
       from columns c join pg_type t on t.oid = c.type where t.typtype = 'd')
     select c.attname as name, format('%I.%I', n.nspname, t.typname) as base,
       case when n.nspname = 'pg_catalog' then coalesce(e.typname, t.typname) else '' end as element, e.oid is not null as is_array,
       case when n.nspname = 'pg_catalog' and c.modifier >= 0 then format_type(c.type, c.modifier) end as limited
     from columns c join pg_type t on t.oid = c.type join pg_namespace n on n.oid = t.typnamespace
       left join pg_type e on e.typarray = t.oid
     where t.typtype <> 'd'`,
    [target.table],
  );
  const sealed = new Set([target.id, target.tenant, target.key, target.ciphertext]);
  return new Map(
    found
      .filter(({ name }) => !sealed.has(escapeIdentifier(name)))
      .map((column) => [
        column.name,
        {
          base: column.base,
          isBytes: column.base === 'pg_catalog.bytea',
          altered: (text: string) => alteration(text, column),
        },
      ]),
  );
}

interface FoundColumn {
  readonly name: string;
  readonly base: string;
  /** Of an array, its elements' type; empty for a type that is none of Postgres' own. */
  readonly element: string;
  readonly is_array: boolean;
  /** With its length or scale, if it has one. */
  readonly limited: string | null;
}

/** A type that has more room than the key: what looks the same in both was stored as it was given. */
const roomier = new Map([
  ['name', 'text'],
  ['char', 'text'],
  ['date', 'timestamp'],
  ['money', 'numeric'],
]);

/** Assignment rounds to a scale, drops blanks and a time of day, and cuts names to their length without a word. */
function alteration(text: string, { base, element, is_array, limited }: FoundColumn): string | null {
  if (limited !== null) return `${text}::${base}::${limited} is distinct from ${text}::${base}`;
  const room = roomier.get(element);
  if (room === undefined) return null;
  const wide = is_array ? `${room}[]` : room;
  return `${text}::${base}::${wide} is distinct from ${text}::${wide}`;
}

/** As Postgres reads it, whatever the session's `DateStyle`. */
export function columnText(name: string, value: ColumnValue, { isBytes }: PlainColumn): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) {
    if (!isBytes) throw new RecordError('VALUE_REFUSED', `Bytes for column ${name}, which is no bytea`);
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`;
  }
  if (value instanceof Date) return dateText(name, value);
  if (typeof value === 'string' && (!value.isWellFormed() || value.includes('\0'))) {
    throw new RecordError('VALUE_REFUSED', `A text for column ${name} that Postgres cannot hold`);
  }
  return String(value);
}

/** ISO 8601, but for years of more than four digits and before the year 1, which Postgres writes otherwise. */
function dateText(name: string, date: Date): string {
  const year = date.getUTCFullYear();
  if (Number.isNaN(year)) throw new RecordError('VALUE_REFUSED', `An invalid Date for column ${name}`);
  const rest = date.toISOString().replace(/^[+-]?\d+/, '');
  return year > 0
    ? `${String(year).padStart(4, '0')}${rest}`
    : `${String(1 - year).padStart(4, '0')}${rest} BC`;
}
