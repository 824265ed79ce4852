import { type Queryable, row, rows } from '@rekey/db';

export const policyLevels = ['fresh', 'due', 'overdue', 'orphaned'] as const;
/** How an active DEK stands by its policy. */
export type PolicyLevel = (typeof policyLevels)[number];

/** How many active DEKs stand how, as a round saw it within the last minute. */
export interface PolicyFigures {
  readonly seenAt: Date;
  readonly levels: Readonly<Record<PolicyLevel, number>>;
}

export interface TenantView {
  readonly tenantId: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly activeKey: { readonly id: string; readonly keyNumber: number; readonly activatedAt: Date } | null;
  /** Null: no policy says when, or no round has seen its DEK yet. */
  readonly level: PolicyLevel | null;
  readonly dueAt: Date | null;
  readonly overdueAt: Date | null;
  readonly tries: number | null;
  /** Its unfinished rotation. */
  readonly rotationId: string | null;
}

export interface TenantPage {
  readonly tenants: readonly TenantView[];
  /** Of the last round; null: there was none. */
  readonly seenAt: Date | null;
  readonly next: string | null;
}

/** Of a tenant, or with null of all. Null: nobody knows, since no round was within the last minute. */
export async function findPolicyFigures(
  on: Queryable,
  tenantId: string | null,
): Promise<PolicyFigures | null> {
  const { found } = await row<{
    found: { atMs: number; levels: Partial<Record<PolicyLevel, number>> } | null;
  }>(on, 'select rekey.policy_figures($1) as found', [tenantId]);
  if (found === null) return null;
  const { fresh = 0, due = 0, overdue = 0, orphaned = 0 } = found.levels;
  return { seenAt: new Date(found.atMs), levels: { fresh, due, overdue, orphaned } };
}

interface TenantRow {
  readonly tenant_id: string;
  readonly name: string;
  readonly created_at: Date;
  readonly dek_id: string | null;
  readonly key_number: number;
  readonly activated_at: Date | null;
  readonly level: PolicyLevel | null;
  readonly due_at: Date | null;
  readonly overdue_at: Date | null;
  readonly tries: number | null;
  readonly rotation_id: string | null;
  readonly seen_at: Date | null;
}

/** In the order of their ids, behind the one that `after` names. */
export async function listTenants(
  on: Queryable,
  filter: { readonly tenantId: string | null; readonly level: PolicyLevel | null },
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<TenantPage> {
  const found = await rows<TenantRow>(
    on,
    `select tenant_id, name, created_at, dek_id, key_number, activated_at, level, due_at, overdue_at, tries, rotation_id,
       nullif(seen_at, '-infinity') as seen_at
     from rekey.list_tenants($1, $2, $3, $4)`,
    [filter.tenantId, filter.level, after, limit + 1],
  );
  const tenants = found.slice(0, limit).map((one): TenantView => {
    const { dek_id: id, key_number: keyNumber, activated_at: activatedAt } = one;
    return {
      tenantId: one.tenant_id,
      name: one.name,
      createdAt: one.created_at,
      activeKey: id === null ? null : { id, keyNumber, activatedAt: activatedAt ?? one.created_at },
      level: one.level,
      dueAt: one.due_at,
      overdueAt: one.overdue_at,
      tries: one.tries,
      rotationId: one.rotation_id,
    };
  });
  return {
    tenants,
    seenAt: found[0]?.seen_at ?? null,
    next: found.length > limit ? (tenants.at(-1)?.tenantId ?? null) : null,
  };
}
