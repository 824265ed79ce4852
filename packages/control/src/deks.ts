import { type Going, prepared, type Queryable, row, rows, several } from '@rekey/db';

/** A DEK as it is stored: its bytes only wrapped under a KEK. */
export interface WrappedDek {
  readonly id: string;
  readonly keyNumber: number;
  readonly state: DekState;
  /** Which KEK unwraps it, wherever that is by now. */
  readonly kekId: string;
  /** Where that KEK was when it wrapped. */
  readonly kekUri: string;
  readonly wrapped: Buffer;
  /** Tells these bytes from any others that ever stood under this number; a rewrap leaves it as it is. */
  readonly materialId: string;
  /** By what its bytes are recognised once they were unwrapped; null: a version before this one stored it. */
  readonly check: Buffer | null;
}

export type DekState = 'pre_active' | 'active' | 'deactivated' | 'compromised';

/** The bytes of a DEK as they are about to be stored. */
export interface NewMaterial {
  readonly dekId: string;
  readonly kekId: string;
  readonly kekUri: string;
  readonly wrapped: Buffer;
  /** By what its bytes are recognised once they were unwrapped. */
  readonly check: Buffer;
}

/**
 * Stores the wrapped bytes of a reserved DEK unless some were stored before; whoever calls this reads the row
 * back and uses only what stands there. Throws `REFUSED` when the DEK is not pre_active any more.
 */
export async function storeMaterial(
  on: Queryable,
  { dekId, kekId, kekUri, wrapped, check }: NewMaterial,
): Promise<void> {
  await prepared(on, 'select rekey.store_material($1, $2, $3, $4), rekey.note_dek_check($1, $3, $5)', [
    dekId,
    kekUri,
    wrapped,
    kekId,
    check,
  ]);
}

/** The same for several DEKs, all or nothing. */
export async function storeMaterials(on: Queryable, all: readonly NewMaterial[]): Promise<void> {
  const asked = several({ dek: 'uuid', kek: 'text', bytes: 'bytea', kek_ident: 'text', value: 'bytea' });
  const stored = 'rekey.store_material(dek, kek, bytes, kek_ident), rekey.note_dek_check(dek, bytes, value)';
  await prepared(on, `select ${stored} from ${asked}`, [
    all.map(({ dekId }) => dekId),
    all.map(({ kekUri }) => kekUri),
    all.map(({ wrapped }) => wrapped),
    all.map(({ kekId }) => kekId),
    all.map(({ check }) => check),
  ]);
}

interface WrappedRow {
  readonly id: string;
  readonly key_number: number;
  readonly state: DekState;
  readonly kek_id: string;
  readonly kek_uri: string;
  readonly wrapped: Buffer;
  readonly material_id: string;
  readonly check_value: Buffer | null;
}

const wrappedColumns = 'id, key_number, state, kek_id, kek_uri, wrapped, material_id, check_value';

/** A DEK by the tenant that it has to be of. */
export interface DekOfTenant {
  readonly tenantId: string;
  readonly dekId: string;
}

/** DEKs of several tenants, in the same order; null where there is none, or none that has material. */
export async function loadSeveralDeks(
  on: Queryable,
  wanted: readonly DekOfTenant[],
  going: Going = 'together',
): Promise<Array<WrappedDek | null>> {
  const found = await prepared<WrappedRow & { tenant: string }>(
    on,
    `select tenant, ${wrappedColumns} from ${several({ tenant: 'uuid', dek: 'uuid' }, going)}
       cross join lateral rekey.stored_deks(tenant, null, array[dek], null)`,
    [wanted.map(({ tenantId }) => tenantId), wanted.map(({ dekId }) => dekId)],
  );
  return wanted.map(({ tenantId, dekId }) => {
    const row = found.find(({ id, tenant }) => id === dekId && tenant === tenantId);
    return row === undefined ? null : toWrapped(row);
  });
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
  const found = await prepared<WrappedRow>(
    on,
    `select ${wrappedColumns} from rekey.stored_deks($1, $2, $3, $4)`,
    [tenantId, filter.keyNumber ?? null, filter.dekIds ?? null, filter.state ?? null],
  );
  return found.map(toWrapped);
}

function toWrapped(dek: WrappedRow): WrappedDek {
  return {
    id: dek.id,
    keyNumber: dek.key_number,
    state: dek.state,
    kekId: dek.kek_id,
    kekUri: dek.kek_uri,
    wrapped: dek.wrapped,
    materialId: dek.material_id,
    check: dek.check_value,
  };
}

/** A stored DEK of whichever tenant. */
export interface StoredDek {
  readonly tenantId: string;
  readonly id: string;
  readonly kekId: string;
  readonly kekUri: string;
  readonly wrapped: Buffer;
  readonly check: Buffer | null;
}

/**
 * A few DEKs of the installation for each of these KEKs, by which a process can tell whether it has the right ones.
 * Those that have been in use come first.
 */
export async function sampleDeks(
  on: Queryable,
  { kekIds, exceptDekId }: { readonly kekIds: readonly string[]; readonly exceptDekId: string | null },
): Promise<StoredDek[]> {
  const found = await rows<{
    tenant_id: string;
    id: string;
    kek_id: string;
    kek_uri: string;
    wrapped: Buffer;
    check_value: Buffer | null;
  }>(
    on,
    `select s.tenant_id, s.id, s.kek_id, s.kek_uri, s.wrapped, d.check_value from rekey.sample_deks_under($1, $2) s
       cross join lateral rekey.stored_deks(s.tenant_id, null, array[s.id], null) d`,
    [kekIds, exceptDekId],
  );
  return found.map(({ tenant_id, id, kek_id, kek_uri, wrapped, check_value: check }) => ({
    tenantId: tenant_id,
    id,
    kekId: kek_id,
    kekUri: kek_uri,
    wrapped,
    check,
  }));
}

/** A KEK that stored DEKs are wrapped under, as it was named when it wrapped them. */
export interface KekInUse {
  readonly kekId: string;
  readonly kekUri: string;
}

/** The KEKs of all DEKs that are stored but one, those of most DEKs first. */
export async function findKeksInUse(on: Queryable, exceptDekId: string | null): Promise<KekInUse[]> {
  const found = await rows<{ kek_id: string; kek_uri: string }>(
    on,
    'select kek_id, kek_uri from rekey.keks_in_use($1)',
    [exceptDekId],
  );
  return found.map(({ kek_id, kek_uri }) => ({ kekId: kek_id, kekUri: kek_uri }));
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
  tenant: NewMaterial & { readonly tenantId: string; readonly name: string },
): Promise<InsertedTenant> {
  const { kind } = await row<InsertedTenant>(
    on,
    'select rekey.create_tenant($1, $2, $3, $4, $5, $6) as kind, rekey.note_dek_check($3, $5, $7)',
    [tenant.tenantId, tenant.name, tenant.dekId, tenant.kekUri, tenant.wrapped, tenant.kekId, tenant.check],
  );
  return { kind };
}
