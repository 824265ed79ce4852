import { types } from 'pg';
import { StoreError } from './store-error.ts';

const asItIs = (text: string): string => text;

const hexForm = '\\x';

/** Both forms that `bytea_output` has. */
function bytes(text: string): Buffer {
  if (text.startsWith(hexForm)) return Buffer.from(text.slice(hexForm.length), 'hex');
  const plain = text.replace(/\\(\\|[0-7]{3})/g, (_, escaped: string) =>
    escaped === '\\' ? escaped : String.fromCharCode(Number.parseInt(escaped, 8)),
  );
  return Buffer.from(plain, 'latin1');
}

/** By the type's oid, which is the same in every Postgres: what our statements yield to which applications like to give other forms. */
const parsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'], // boolean
  [17, bytes], // bytea
  [18, asItIs], // "char"
  [19, asItIs], // name
  [20, asItIs], // bigint: beyond what a number holds
  [21, Number], // smallint
  [23, Number], // integer
  [25, asItIs], // text
  [26, Number], // oid
  [114, JSON.parse],
  [1043, asItIs], // varchar
  [2950, asItIs], // uuid
  [3802, JSON.parse], // jsonb
]);

/** Of moments and arrays node-postgres' own, as it was when this was loaded: before a program that imports this says anything. */
const ofNodePostgres: ReadonlyMap<number, (text: string) => unknown> = new Map(
  [1000, 1001, 1005, 1007, 1009, 1016, 1082, 1114, 1115, 1184, 1185, 2951].map((oid) => [
    oid,
    types.getTypeParser(oid, 'text'),
  ]),
);

/**
 * How results of our statements are read, given with each: a program may have told node-postgres, or its pool, to make something
 * else of integers, bytes or texts (`setTypeParser`, `types`), which is about statements of its own.
 */
export const ownTypes: { getTypeParser(oid: number, format?: string): (value: string) => unknown } = {
  getTypeParser(oid, format) {
    // Thrown for a value and not here, where nobody would catch it.
    if (format === 'binary') return refuseBinary;
    return parsers.get(oid) ?? ofNodePostgres.get(oid) ?? types.getTypeParser(oid, 'text');
  },
};

function refuseBinary(): never {
  throw new StoreError(
    'UNFIT',
    'The connection given takes results in binary (its option binary): a pool without it is needed',
  );
}
