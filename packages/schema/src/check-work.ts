import { missingRight, probeWrites, row, rows, type Store, StoreError } from '@rekey/db';

/** What the API changes things through. */
const ofApi = ['start_rotation', 'lock_tenant', 'claim_idempotency_key', 'keep_answer', 'halt_rotation'];

type Right = 'select' | 'insert' | 'update' | 'delete';

/** What a worker writes first in all that it does. */
const ofWorker: ReadonlyArray<readonly [table: string, ...rights: Right[]]> = [
  ['rekey.rotations', 'select', 'update'],
  ['rekey.rotation_ranges', 'select', 'insert', 'update'],
  ['rekey.dek_material', 'select', 'insert'],
];

/** Each changes no row, and is refused wherever a change would be. */
const lockNobody = `select rekey.lock_tenant('00000000-0000-0000-0000-000000000000')`;
const touchNothing = 'update rekey.rotations set version = version where false';

/** Resolves when a rotate call could be answered from here; throws `StoreError` with the reason it could not. */
export async function checkApiWork(store: Store): Promise<void> {
  await probeWrites(store, [lockNobody]);
  const { missing } = await row<{ missing: string | null }>(
    store,
    `select min(name) as missing from unnest($1::text[]) name
     where not exists (select from pg_catalog.pg_proc p
       where pronamespace = 'rekey'::regnamespace and proname = name and has_function_privilege(p.oid, 'execute'))`,
    [ofApi],
  );
  if (missing !== null) throw missingRight('execute', `function rekey.${missing}`);
}

/** Resolves when a rotation could be worked on from here, in every registered table; throws `StoreError`. */
export async function checkWorkerWork(store: Store): Promise<void> {
  await probeWrites(store, [touchNothing]);
  const targets = await rows<{ table_name: string }>(
    store,
    'select table_name from rekey.targets where retired_at is null',
  );
  const needed = [
    ...ofWorker,
    ...targets.map(({ table_name: table }) => [table, 'select', 'update'] as const),
  ];
  const asked = needed.flatMap(([table, ...rights]) => rights.map((right) => ({ table, right })));
  // A right on some columns is enough here: which ones a statement needs, it says itself when it is run.
  const [first] = await rows<{ table: string; right: string; there: boolean }>(
    store,
    `select "table", "right", to_regclass("table") is not null as there
     from json_to_recordset($1) as asked ("table" text, "right" text)
     where case when to_regclass("table") is null then true
       when "right" = 'delete' then not has_table_privilege("table", "right")
       else not has_any_column_privilege("table", "right") end`,
    [JSON.stringify(asked)],
  );
  if (first === undefined) return;
  if (first.there) throw missingRight(first.right, first.table);
  throw new StoreError('SCHEMA_MISSING', `A registered table is missing: ${first.table}`);
}
