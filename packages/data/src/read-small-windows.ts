import type { Store } from '@rekey/db';
import { escapeLiteral } from 'pg';
import { byTarget, type OfTarget } from './by-target.ts';
import { leftBehind, type PackedRecords, unpackRecords } from './packed-records.ts';
import { within } from './range-bounds.ts';
import { copyTuples, imageOf, smallBytesMax, type Window } from './read-window.ts';
import type { Target } from './targets.ts';

/** All that a tenant has in a table, where that is little. */
export interface SmallWindowOrder {
  readonly target: Target;
  readonly tenantId: string;
  readonly newKeyNumber: number;
}

/** A tenant with more records than this in a table, whatever their DEK, is none of the small ones. */
const looksAtMost = 400;

/**
 * The records of several tenants that are not under the new DEK, in whatever tables, by one statement; in the same order. Null
 * where there are more of them than was thought, or where they are not small: such are read window by window.
 */
export async function readSmallWindows(
  store: Store,
  orders: readonly SmallWindowOrder[],
): Promise<Array<Window | null>> {
  const output = await copyTuples(
    store,
    `copy (select packed, whole from (${byTarget(orders).map(windowsOf).join(' union all ')}) windows order by place)
     to stdout (format binary)`,
  );
  let inUse = orders.length;
  const giveBack = (): void => {
    inUse -= 1;
    if (inUse === 0) output.giveBack();
  };
  const toWindow = (records: PackedRecords): Window => {
    let isGivenBack = false;
    const dispose = (): void => {
      if (!isGivenBack) giveBack(); // others look at the same memory
      isGivenBack = true;
    };
    return { records, next: null, unreadable: [], [Symbol.dispose]: dispose };
  };
  return orders.map((_, i) => {
    const [packed, isAll] = output.tuples[i] ?? [];
    const records = packed === undefined || isAll?.length === 0 ? null : unpackRecords(packed);
    if (records !== null) return toWindow(records);
    giveBack();
    return null;
  });
}

function windowsOf({ target, orders }: OfTarget<SmallWindowOrder>): string {
  const asked = orders.map(
    ({ place, tenantId, newKeyNumber }) => `(${place}, ${escapeLiteral(tenantId)}::uuid, ${newKeyNumber})`,
  );
  return `select asked.place, coalesce(w.packed, '') as packed, case when w.looked_at < ${looksAtMost} then 'all' else '' end as whole
     from (values ${asked.join(', ')}) asked(place, tenant, number) cross join lateral (
       select count(*) as looked_at, string_agg(case when key_number <> asked.number then ${imageOf(target.idType)}
         || case when octet_length(ciphertext) > ${smallBytesMax} then int4send(${leftBehind})
           else int4send(octet_length(ciphertext)) || ciphertext end end, '') as packed
       from (select t.${target.id} as id, t.${target.ciphertext} as ciphertext, t.${target.key} as key_number
         from ${target.table} t where ${within(target, { tenant: 'asked.tenant', after: null, upTo: null })}
         order by t.${target.tenant}, t.${target.id} limit ${looksAtMost}) looked_at) w`;
}
