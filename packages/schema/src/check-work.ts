import { missingRight, probeWrites, row, rows, type Store, StoreError } from '@rekey/db';

/** Each changes no row, and is refused wherever a change would be. */
const nobody = `'00000000-0000-0000-0000-000000000000'`;
const lockNobody = `select rekey.lock_tenant(${nobody})`;
const touchNothing = `select rekey.take_up(${nobody})`;

/** Resolves when a rotate call could be answered from here; throws `StoreError` with the reason it could not. */
export async function checkApiWork(store: Store): Promise<void> {
  await probeWrites(store, [lockNobody]);
  await checkFunctions(store, 'api');
}

/** Resolves when a rotation could be worked on from here, in every registered table; throws `StoreError`. */
export async function checkWorkerWork(store: Store): Promise<void> {
  await probeWrites(store, [touchNothing]);
  const targets = await rows<{ name: string; table_name: string }>(
    store,
    'select name, table_name from rekey.targets where retired_at is null',
  );
  await checkFunctions(
    store,
    'worker',
    targets.map(({ name }) => `prove_${name}`),
  );
  const asked = targets.flatMap(({ table_name: table }) =>
    ['select', 'update'].map((right) => ({ table, right })),
  );
  // A right on some columns is enough here: which ones a statement needs, it says itself when it is run.
  const [first] = await rows<{ table: string; right: string; there: boolean }>(
    store,
    `select "table", "right", to_regclass("table") is not null as there
     from json_to_recordset($1) as asked ("table" text, "right" text)
     where to_regclass("table") is null or not has_any_column_privilege("table", "right")`,
    [JSON.stringify(asked)],
  );
  if (first === undefined) return;
  if (first.there) throw missingRight(first.right, first.table);
  throw new StoreError('SCHEMA_MISSING', `A registered table is missing: ${first.table}`);
}

/** Those that this part has, as the database has them (rekey.functions_of), and more. */
async function checkFunctions(
  store: Store,
  part: 'api' | 'worker',
  more: readonly string[] = [],
): Promise<void> {
  const { missing } = await row<{ missing: string | null }>(
    store,
    `select min(name) as missing from unnest(rekey.functions_of($1) || $2::text[]) name
     where not exists (select from pg_catalog.pg_proc p
       where pronamespace = 'rekey'::regnamespace and proname = name and has_function_privilege(p.oid, 'execute'))`,
    [part, more],
  );
  if (missing !== null) throw missingRight('execute', `function rekey.${missing}`);
}
