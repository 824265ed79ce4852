import { prepared, type Queryable, row, rows } from '@rekey/db';

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
  await prepared(on, 'select rekey.store_material($1, $2, $3)', [dekId, kekUri, wrapped]);
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
    'select id, key_number, state, kek_uri, wrapped, material_id from rekey.wrapped_deks($1, $2, $3, $4)',
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
    'select tenant_id, id, wrapped from rekey.sample_deks($1, $2, $3)',
    [kekUri, orBeginsWith, exceptDekId],
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

export interface InsertedTenant {
  readonly kind: 'ready' | 'rotation_pending';
}

/**
 * Makes sure that a tenant exists and has a DEK: with the material given if it has none yet, else with what it
 * has. `rotation_pending`: it has none, and an unfinished rotation is about to give it one.
 */
export async function insertTenant(
  on: Queryable,
  tenant: {
    readonly tenantId: string;
    readonly name: string;
    readonly dekId: string;
    readonly kekUri: string;
    readonly wrapped: Buffer;
  },
): Promise<InsertedTenant> {
  const { kind } = await row<InsertedTenant>(on, 'select rekey.create_tenant($1, $2, $3, $4, $5) as kind', [
    tenant.tenantId,
    tenant.name,
    tenant.dekId,
    tenant.kekUri,
    tenant.wrapped,
  ]);
  return { kind };
}
