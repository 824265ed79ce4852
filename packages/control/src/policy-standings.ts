import { type Queryable, row, rows } from '@rekey/db';

export const policyLevels = ['fresh', 'due', 'overdue', 'orphaned'] as const;
/** How an active DEK stands by its policy. */
export type PolicyLevel = (typeof policyLevels)[number];

/** How many active DEKs stand how, as a round saw it within the last minute. */
export interface PolicyFigures {
  readonly seenAt: Date;
  readonly levels: Readonly<Record<PolicyLevel, number>>;
  /** Of tenants, by how old the wrapping of their DEKs is. */
  readonly wrappings: Readonly<Record<PolicyLevel, number>>;
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
  /** How old the wrapping of its DEKs is, the oldest one; null: no policy says how old it gets, or no round has seen it yet. */
  readonly wrapping: {
    readonly level: PolicyLevel;
    readonly overdueAt: Date;
    readonly tries: number;
  } | null;
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
    found: { atMs: number; levels: Levels; wrappings?: Levels } | null;
  }>(on, 'select rekey.policy_figures($1) as found', [tenantId]);
  if (found === null) return null;
  const { atMs, levels, wrappings = {} } = found;
  return { seenAt: new Date(atMs), levels: counted(levels), wrappings: counted(wrappings) };
}

type Levels = Partial<Record<PolicyLevel, number>>;

function counted({ fresh = 0, due = 0, overdue = 0, orphaned = 0 }: Levels): Record<PolicyLevel, number> {
  return { fresh, due, overdue, orphaned };
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
  readonly wrapping: PolicyLevel | null;
  readonly wrapping_overdue_at: Date | null;
  readonly wrapping_tries: number | null;
  readonly seen_at: Date | null;
}

export interface TenantFilter {
  readonly tenantId: string | null;
  /** Only those whose active DEK stands so. */
  readonly level: PolicyLevel | null;
  /** Only those whose wrapping does. */
  readonly wrapping: PolicyLevel | null;
}

/** In the order of their ids, behind the one that `after` names. */
export async function listTenants(
  on: Queryable,
  filter: TenantFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<TenantPage> {
  const found = await rows<TenantRow>(
    on,
    `select tenant_id, name, created_at, dek_id, key_number, activated_at, level, due_at, overdue_at, tries, rotation_id,
       nullif(seen_at, '-infinity') as seen_at, wrapping, wrapping_overdue_at, wrapping_tries
     from rekey.list_tenants_wrapped($1, $2, $3, $4, $5)`,
    [filter.tenantId, filter.level, filter.wrapping, after, limit + 1],
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
      wrapping: wrappingOf(one),
      rotationId: one.rotation_id,
    };
  });
  return {
    tenants,
    seenAt: found[0]?.seen_at ?? null,
    next: found.length > limit ? (tenants.at(-1)?.tenantId ?? null) : null,
  };
}

function wrappingOf({
  wrapping: level,
  wrapping_overdue_at: overdueAt,
  wrapping_tries: tries,
}: TenantRow): TenantView['wrapping'] {
  return level === null || overdueAt === null ? null : { level, overdueAt, tries: tries ?? 0 };
}
