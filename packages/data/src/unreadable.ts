import { prepared, rows, type Store, sqlStateOf } from '@rekey/db';
import { escapeLiteral } from 'pg';
import { encodeArray, idText } from './pg-binary.ts';
import { type Bounds, within } from './range-bounds.ts';
import type { SetAside } from './set-aside.ts';
import type { IdType, Target } from './targets.ts';

/** Postgres met storage of its own that it cannot read: `data_corrupted`, or what versions before 14 said of it. */
export function isDamage(error: unknown): boolean {
  const state = sqlStateOf(error)?.state;
  return state === 'XX001' || state === 'XX000';
}

/**
 * Of the next records of a slice that are not under the new DEK, those whose ciphertext Postgres cannot read: one that lost
 * a part of it is named by what stands in its row and in the index. Found by halving.
 */
export async function findUnreadable(
  store: Store,
  target: Target,
  slice: Bounds,
  { newKeyNumber, itemsMax }: { readonly newKeyNumber: number; readonly itemsMax: number },
  except: readonly SetAside[],
): Promise<SetAside[]> {
  const found = await rows<{ image: Buffer }>(
    store,
    `select ${sent(target.idType, `t.${target.id}`)} as image from ${target.table} t
     where ${within(target, slice)} and t.${target.key} <> ${newKeyNumber} ${without(target, except)}
     order by t.${target.tenant}, t.${target.id} limit ${itemsMax}`,
  );
  const unreadable: SetAside[] = [];
  const look = async (ids: readonly Buffer[]): Promise<void> => {
    if (ids.length === 0 || (await canRead(store, target, ids))) return;
    const [id] = ids;
    if (ids.length === 1 && id !== undefined) {
      unreadable.push({ id, seen: null, reason: 'UNREADABLE' });
      return;
    }
    const middle = ids.length >> 1;
    await look(ids.slice(0, middle));
    await look(ids.slice(middle));
  };
  await look(found.map(({ image }) => image));
  return unreadable;
}

/** The condition that leaves records out that are known to be unreadable. */
export function without({ id, idType }: Target, some: readonly SetAside[]): string {
  if (some.length === 0) return '';
  const ids = some.map((one) => escapeLiteral(idText(idType, one.id)));
  return `and t.${id} <> all (array[${ids.join(', ')}]::${idType}[])`;
}

async function canRead(store: Store, target: Target, ids: readonly Buffer[]): Promise<boolean> {
  const { table, id, idType, ciphertext } = target;
  try {
    await prepared(
      store,
      `select count(md5(t.${ciphertext})) from ${table} t join unnest($1::${idType}[]) as w(id) on t.${id} = w.id`,
      [encodeArray(idType, ids)],
    );
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

function sent(idType: IdType, id: string): string {
  switch (idType) {
    case 'uuid':
      return `uuid_send(${id})`;
    case 'bigint':
      return `int8send(${id})`;
    case 'text':
      return `textsend(${id})`;
  }
}
