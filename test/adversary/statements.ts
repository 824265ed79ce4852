import type { PoolClient } from 'pg';
import { sealedLike } from '../harness/sealed.ts';
import { sqlState } from '../harness/session.ts';

/** A record as somebody without our library writes it. */
export interface Upsert {
  readonly id: string;
  readonly tenantId: string;
  readonly keyNumber: number;
}

const insert = 'insert into secrets (id, tenant_id, name, key_number, ciphertext)';
const orReplace =
  'on conflict (id) do update set key_number = excluded.key_number, ciphertext = excluded.ciphertext';

export async function hold(on: Pick<PoolClient, 'query'>, tenantId: string): Promise<number> {
  const { rows } = await on.query<{ key_number: number }>('select key_number from rekey.hold_dek($1)', [
    tenantId,
  ]);
  const [held] = rows;
  if (held === undefined) throw new Error(`tenant ${tenantId} has no active DEK`);
  return held.key_number;
}

/** Looks, and holds nothing. */
export async function activeKey(on: Pick<PoolClient, 'query'>, tenantId: string): Promise<number> {
  const { rows } = await on.query<{ key_number: number }>(
    `select key_number from rekey.deks where tenant_id = $1 and state = 'active'`,
    [tenantId],
  );
  const [active] = rows;
  if (active === undefined) throw new Error(`tenant ${tenantId} has no active DEK`);
  return active.key_number;
}

export async function upsert(
  on: Pick<PoolClient, 'query'>,
  { id, tenantId, keyNumber }: Upsert,
): Promise<void> {
  await on.query(`${insert} values ($1, $2, 'x', $3, $4) ${orReplace}`, [
    id,
    tenantId,
    keyNumber,
    sealedLike(keyNumber),
  ]);
}

export async function upsertMany(on: Pick<PoolClient, 'query'>, records: readonly Upsert[]): Promise<void> {
  await on.query(
    `${insert} select id, tenant, 'x', key, sealed
     from unnest($1::uuid[], $2::uuid[], $3::int[], $4::bytea[]) u (id, tenant, key, sealed) ${orReplace}`,
    [
      records.map(({ id }) => id),
      records.map(({ tenantId }) => tenantId),
      records.map(({ keyNumber }) => keyNumber),
      records.map(({ keyNumber }) => sealedLike(keyNumber)),
    ],
  );
}

/** A procedure of the application that takes no error for one. */
export async function swallowed(
  on: Pick<PoolClient, 'query'>,
  { id, tenantId, keyNumber }: Upsert,
): Promise<void> {
  const sealed = sealedLike(keyNumber).toString('hex');
  await on.query(
    `do $$ begin ${insert} values ('${id}', '${tenantId}', 'x', ${keyNumber}, '\\x${sealed}') ${orReplace};
     exception when others then null; end $$`,
  );
}

/** From a program, so that no more than a connection is needed for it: the tests work as a superuser. */
export async function copyIn(on: Pick<PoolClient, 'query'>, records: readonly Upsert[]): Promise<void> {
  const lines = records.map(({ id, tenantId, keyNumber }) =>
    [id, tenantId, 'x', keyNumber, `\\\\\\\\x${sealedLike(keyNumber).toString('hex')}`].join('\\t'),
  );
  await on.query(
    `copy secrets (id, tenant_id, name, key_number, ciphertext) from program $$printf '${lines.join('\\n')}\\n'$$`,
  );
}

/** What the work in a savepoint failed with, and the savepoint is rolled back; undefined if it did not. */
export async function savepoint(
  on: Pick<PoolClient, 'query'>,
  then: 'keep' | 'roll back',
  work: () => Promise<void>,
): Promise<string | undefined> {
  await on.query('savepoint s');
  const failed = await sqlState(work());
  await on.query(failed === undefined && then === 'keep' ? 'release savepoint s' : 'rollback to savepoint s');
  return failed;
}
