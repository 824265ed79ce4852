import { inTransaction, prepared, type Queryable, row, rows, type Store } from '@rekey/db';

/** A DEK as it is stored: its bytes only wrapped under a KEK. */
export interface WrappedDek {
  readonly id: string;
  readonly keyNumber: number;
  readonly state: DekState;
  readonly kekUri: string;
  readonly wrapped: Buffer;
  /** Tells these bytes from any others that ever stood under this number; a rewrap leaves it as it is. */
  readonly materialId: string;
}

export type DekState = 'pre_active' | 'active' | 'deactivated' | 'compromised';

/**
 * Stores the wrapped bytes of a reserved DEK unless some were stored before; whoever calls this reads the row
 * back and uses only what stands there. Throws `REFUSED` when the DEK is not pre_active any more.
 */
export async function storeMaterial(
  on: Queryable,
  { dekId, kekUri, wrapped }: { readonly dekId: string; readonly kekUri: string; readonly wrapped: Buffer },
): Promise<void> {
  await prepared(
    on,
    // On the disk before anybody can fetch it, whatever the session's setting: a crash must not take back bytes that
    // some process already holds under this number.
    `with stored as (
       insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, $2, $3)
       on conflict do nothing returning dek_id)
     select pg_notify('rekey_deks', d.tenant_id::text),
       case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', true) end
     from stored join rekey.deks d on d.id = stored.dek_id`,
    [dekId, kekUri, wrapped],
  );
}

/** The DEKs of a tenant that have material, by key number. */
export async function loadDeks(
  on: Queryable,
  tenantId: string,
  filter: {
    readonly keyNumber?: number;
    readonly dekIds?: readonly string[];
    readonly state?: DekState;
  } = {},
): Promise<WrappedDek[]> {
  const found = await prepared<{
    id: string;
    key_number: number;
    state: DekState;
    kek_uri: string;
    wrapped: Buffer;
    material_id: string;
  }>(
    on,
    `select d.id, d.key_number, d.state, m.kek_uri, m.wrapped, i.material_id
     from rekey.deks d join rekey.dek_material m on m.dek_id = d.id join rekey.dek_identities i on i.dek_id = d.id
     where d.tenant_id = $1 and d.state <> 'destroyed'
       and ($2::int is null or d.key_number = $2) and ($3::uuid[] is null or d.id = any ($3))
       and ($4::text is null or d.state = $4)
     order by d.key_number`,
    [tenantId, filter.keyNumber ?? null, filter.dekIds ?? null, filter.state ?? null],
  );
  return found.map((dek) => ({
    id: dek.id,
    keyNumber: dek.key_number,
    state: dek.state,
    kekUri: dek.kek_uri,
    wrapped: dek.wrapped,
    materialId: dek.material_id,
  }));
}

/** A stored DEK of whichever tenant. */
export interface StoredDek {
  readonly tenantId: string;
  readonly id: string;
  readonly wrapped: Buffer;
}

/** So many of the newest and of the oldest: more than one, since any of them may be damaged. */
const sampledEach = 4;

/**
 * A few DEKs of the installation that were wrapped under the KEK of that URI, by which a process can tell whether it
 * has the right one; if there are none, of those whose URI begins with `orBeginsWith`. Those that have been in use come
 * first. None: nothing like it is stored.
 */
export async function sampleDeks(
  on: Queryable,
  {
    kekUri,
    orBeginsWith,
    exceptDekId,
  }: {
    readonly kekUri: string;
    readonly orBeginsWith: string;
    readonly exceptDekId: string | null;
  },
): Promise<StoredDek[]> {
  const found = await rows<{ tenant_id: string; id: string; wrapped: Buffer }>(
    on,
    `with fitting as (
       select d.tenant_id, d.id, m.wrapped, m.wrapped_at, m.kek_uri = $1 as same_uri,
         d.state <> 'pre_active' as was_used
       from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
       where starts_with(m.kek_uri, $2) and d.state <> 'destroyed' and d.id is distinct from $3::uuid),
     ranked as (
       select *, row_number() over (order by same_uri desc, was_used desc, wrapped_at desc, id) as newest,
         row_number() over (order by same_uri desc, was_used desc, wrapped_at, id) as oldest
       from fitting)
     select tenant_id, id, wrapped from ranked where least(newest, oldest) <= $4 order by least(newest, oldest)`,
    [kekUri, orBeginsWith, exceptDekId, sampledEach],
  );
  return found.map(({ tenant_id, id, wrapped }) => ({ tenantId: tenant_id, id, wrapped }));
}

/** Takes a block of seals under a DEK; the number taken so far in all, this block included. */
export async function reserveSeals(on: Queryable, dekId: string, seals: number): Promise<number> {
  const { total } = await row<{ total: string }>(on, 'select rekey.reserve_seals($1, $2) as total', [
    dekId,
    seals,
  ]);
  return Number(total);
}

/** The DEK that is held for writing, and the identity of the bytes that are stored for it. */
export interface HeldDek {
  readonly dekId: string;
  readonly keyNumber: number;
  readonly materialId: string;
}

/** Holds the tenant's active DEK for the rest of the transaction: see `rekey.hold_dek`. Null: it has none. */
export async function holdActiveDek(tx: Queryable, tenantId: string): Promise<HeldDek | null> {
  const [held] = await rows<{ dek_id: string; key_number: number; material_id: string }>(
    tx,
    'select dek_id, key_number, material_id from rekey.hold_dek($1)',
    [tenantId],
  );
  return held === undefined
    ? null
    : { dekId: held.dek_id, keyNumber: held.key_number, materialId: held.material_id };
}

export type InsertedTenant = { readonly kind: 'ready' } | { readonly kind: 'rotation_pending' };

/**
 * Makes sure that a tenant exists and has a DEK: with the material given if it has none yet, else with what it
 * has. `rotation_pending`: it has none, and an unfinished rotation is about to give it one.
 */
export async function insertTenant(
  store: Store,
  tenant: {
    readonly tenantId: string;
    readonly name: string;
    readonly dekId: string;
    readonly kekUri: string;
    readonly wrapped: Buffer;
  },
): Promise<InsertedTenant> {
  return inTransaction(store, async (tx): Promise<InsertedTenant> => {
    await tx.query('insert into rekey.tenants (id, name) values ($1, $2) on conflict do nothing', [
      tenant.tenantId,
      tenant.name,
    ]);
    await tx.query('select from rekey.tenants where id = $1 for no key update', [tenant.tenantId]);
    const live = await rows<{ state: string }>(
      tx,
      `select state from rekey.deks where tenant_id = $1 and state in ('active', 'pre_active')`,
      [tenant.tenantId],
    );
    if (live.some(({ state }) => state === 'active')) return { kind: 'ready' };
    if (live.length > 0) return { kind: 'rotation_pending' };
    await tx.query(
      `insert into rekey.deks (id, tenant_id, key_number, state)
       select $1, $2, coalesce(max(key_number), 0) + 1, 'pre_active' from rekey.deks where tenant_id = $2`,
      [tenant.dekId, tenant.tenantId],
    );
    await storeMaterial(tx, tenant);
    await tx.query(`update rekey.deks set state = 'active', activated_at = now() where id = $1`, [
      tenant.dekId,
    ]);
    return { kind: 'ready' };
  });
}
