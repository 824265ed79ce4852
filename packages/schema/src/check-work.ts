import { missingRight, probeWrites, rows, type Store } from '@rekey/db';

type Right = 'select' | 'insert' | 'update' | 'delete';

/** What each of the two writes first in all that it does; `docs/operations.md` has every right. */
const ofApi: ReadonlyArray<readonly [table: string, ...rights: Right[]]> = [
  ['rekey.rotations', 'select', 'insert', 'update'],
  ['rekey.deks', 'select', 'insert', 'update'],
  ['rekey.idempotency_keys', 'select', 'insert'],
];
const ofWorker: typeof ofApi = [
  ['rekey.rotations', 'select', 'update'],
  ['rekey.rotation_ranges', 'select', 'insert', 'update'],
  ['rekey.deks', 'select', 'update'],
];

/** Changes no row, and is refused wherever a change would be. */
const touch = 'update rekey.rotations set version = version where false';

/** Resolves when a rotate call could be answered from here; throws `StoreError` with the reason it could not. */
export async function checkApiWork(store: Store): Promise<void> {
  await probeWrites(store, [touch]);
  await checkRights(store, ofApi);
}

/** Resolves when a rotation could be worked on from here, in every registered table; throws `StoreError`. */
export async function checkWorkerWork(store: Store): Promise<void> {
  await probeWrites(store, [touch]);
  const targets = await rows<{ table_name: string }>(
    store,
    'select table_name from rekey.targets where retired_at is null',
  );
  await checkRights(store, [
    ...ofWorker,
    ...targets.map(({ table_name: table }) => [table, 'select', 'update'] as const),
  ]);
}

async function checkRights(store: Store, needed: typeof ofApi): Promise<void> {
  const asked = needed.flatMap(([table, ...rights]) => rights.map((right) => ({ table, right })));
  // A right on some columns is enough here: which ones a statement needs, it says itself when it is run.
  const [first] = await rows<{ table: string; right: string }>(
    store,
    `select "table", "right" from json_to_recordset($1) as asked ("table" text, "right" text)
     where not case "right" when 'delete' then has_table_privilege("table", "right")
       else has_any_column_privilege("table", "right") end`,
    [JSON.stringify(asked)],
  );
  if (first !== undefined) throw missingRight(first.right, first.table);
}
