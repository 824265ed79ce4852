import { type Queryable, rows } from '@rekey/db';

export const keyStates = ['pre_active', 'active', 'deactivated', 'compromised', 'destroyed'] as const;
export type KeyState = (typeof keyStates)[number];

/** A DEK, without its bytes. */
export interface KeyView {
  readonly id: string;
  readonly tenantId: string;
  readonly keyNumber: number;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly deactivatedAt: Date | null;
  readonly destroyedAt: Date | null;
  /** Out of use, and still held by transactions that began before. */
  readonly draining: boolean;
  /** Null: it has no material. */
  readonly kekId: string | null;
  /** How often it was wrapped. */
  readonly wrapVersion: number | null;
  readonly wrappedAt: Date | null;
  readonly seals: number;
  readonly lastUsedAt: Date | null;
  /** Live ones that have used it. */
  readonly processes: number;
  /** Of its destruction, if somebody asked for it. */
  readonly dueAt: Date | null;
}

export interface KeyFilter {
  readonly tenantId?: string;
  readonly state?: KeyState;
  readonly kekId?: string;
}

export interface KeyPage {
  readonly keys: KeyView[];
  /** Give it back as `after` for the page behind this one; null on the last. */
  readonly next: string | null;
}

/** Whether `next` of a page may have been that. */
export function isKeysCursor(text: string): boolean {
  return parseCursor(text) !== null;
}

/** By tenant and key number, neither of which ever changes. */
export async function listKeys(
  on: Queryable,
  { tenantId, state, kekId }: KeyFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<KeyPage> {
  const [afterTenant, afterNumber] = (after === null ? null : parseCursor(after)) ?? [null, null];
  const found = await rows<KeyRow>(
    on,
    `select ${columns} from rekey.key_facts($1, $2, $3, null, $4, $5, $6)`,
    [tenantId ?? null, state ?? null, kekId ?? null, afterTenant, afterNumber, limit + 1],
  );
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    keys: page.map(toKey),
    next:
      found.length > limit && last !== undefined
        ? Buffer.from(JSON.stringify([last.tenant_id, last.key_number])).toString('base64url')
        : null,
  };
}

export async function findKey(on: Queryable, keyId: string): Promise<KeyView | null> {
  const [found] = await rows<KeyRow>(
    on,
    `select ${columns} from rekey.key_facts(null, null, null, $1, null, null, 1)`,
    [keyId],
  );
  return found === undefined ? null : toKey(found);
}

/** So many records stand under one DEK in one registered table. */
export interface KeyRecords {
  readonly keyNumber: number;
  readonly target: string;
  readonly itemType: 'credentials' | 'apiKeys' | 'secrets';
  readonly records: number;
}

/** Counted now: as long as reading the tenant's records takes. */
export async function countKeyRecords(on: Queryable, tenantId: string): Promise<KeyRecords[]> {
  const found = await rows<{
    key_number: number;
    target: string;
    item_type: KeyRecords['itemType'];
    records: string;
  }>(on, 'select key_number, target, item_type, records from rekey.key_records($1)', [tenantId]);
  return found.map(({ key_number, target, item_type, records }) => ({
    keyNumber: key_number,
    target,
    itemType: item_type,
    records: Number(records),
  }));
}

/** A process that has used a DEK. */
export interface KeyProcess {
  readonly id: string;
  readonly kind: 'worker' | 'vault';
  readonly state: 'live' | 'silent' | 'ended';
  readonly host: string;
  readonly databaseRole: string;
  readonly usedSince: Date;
  readonly lastUsedAt: Date;
}

/** Of processes that are not forgotten yet; the latest use first. */
export async function listKeyProcesses(on: Queryable, keyId: string, limit: number): Promise<KeyProcess[]> {
  const found = await rows<{
    id: string;
    kind: KeyProcess['kind'];
    state: KeyProcess['state'];
    host: string;
    database_role: string;
    opened_since: Date;
    last_opened_at: Date;
  }>(
    on,
    'select id, kind, state, host, database_role, opened_since, last_opened_at from rekey.key_processes($1, $2)',
    [keyId, limit],
  );
  return found.map(({ id, kind, state, host, database_role, opened_since, last_opened_at }) => ({
    id,
    kind,
    state,
    host,
    databaseRole: database_role,
    usedSince: opened_since,
    lastUsedAt: last_opened_at,
  }));
}

const columns = `id, tenant_id, key_number, state, created_at, activated_at, deactivated_at, destroyed_at, draining, kek_id,
  wrap_version, wrapped_at, seals, last_used_at, processes, due_at`;

interface KeyRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly key_number: number;
  readonly state: KeyState;
  readonly created_at: Date;
  readonly activated_at: Date | null;
  readonly deactivated_at: Date | null;
  readonly destroyed_at: Date | null;
  readonly draining: boolean;
  readonly kek_id: string | null;
  readonly wrap_version: number | null;
  readonly wrapped_at: Date | null;
  readonly seals: string;
  readonly last_used_at: Date | null;
  readonly processes: string;
  readonly due_at: Date | null;
}

function toKey(row: KeyRow): KeyView {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    keyNumber: row.key_number,
    state: row.state,
    createdAt: row.created_at,
    activatedAt: row.activated_at,
    deactivatedAt: row.deactivated_at,
    destroyedAt: row.destroyed_at,
    draining: row.draining,
    kekId: row.kek_id,
    wrapVersion: row.wrap_version,
    wrappedAt: row.wrapped_at,
    seals: Number(row.seals),
    lastUsedAt: row.last_used_at,
    processes: Number(row.processes),
    dueAt: row.due_at,
  };
}

function parseCursor(text: string): [tenantId: string, keyNumber: number] | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length !== 2) return null;
    const [tenantId, keyNumber]: unknown[] = parsed;
    const isOurs =
      typeof tenantId === 'string' &&
      uuid.test(tenantId) &&
      typeof keyNumber === 'number' &&
      Number.isInteger(keyNumber) &&
      keyNumber >= 1 &&
      keyNumber <= 2 ** 31 - 1;
    return isOurs ? [tenantId, keyNumber] : null;
  } catch {
    return null;
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
