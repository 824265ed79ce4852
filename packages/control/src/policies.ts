import { type Queryable, row } from '@rekey/db';
import type { OpenHours } from '@rekey/times';

export type { OpenHours };

import type { Steering } from './transitions/steered.ts';

/** What is done to a tenant's keys by itself. Null: never, or without limit. */
export interface Policy {
  readonly rotateEveryDays: number | null;
  readonly rotateBeforeSeals: number | null;
  /** How old the wrapping of a DEK gets before it is made anew. */
  readonly rewrapEveryDays: number | null;
  /** How long after a DEK went out of use records may stand under it before they are swept again. */
  readonly retireAfterDays: number | null;
  readonly destroyAfterDays: number | null;
  readonly windows: readonly OpenHours[] | null;
  /** The name of the KEK that new DEKs are wrapped under; null: the one that wraps the tenant's. */
  readonly kek: string | null;
}

/** A tenant's own: what it leaves out is the default's. */
export type TenantPolicy = Partial<Policy>;

/** What tenants' policies may say. */
export interface Bounds {
  readonly rotateEveryDaysMin?: number;
  readonly rotateEveryDaysMax?: number;
  readonly rotateBeforeSealsMax?: number;
  readonly rewrapEveryDaysMin?: number;
  readonly rewrapEveryDaysMax?: number;
  readonly retireAfterDaysMax?: number;
}

export interface DefaultPolicy extends TenantPolicy {
  readonly bounds?: Bounds;
  /** How many rotations that policies began run at once. */
  readonly rotationsAtOnce?: number;
}

/** How long keys are protected whatever a policy says: settings of the installation. */
export interface Protection {
  readonly destructionGraceSeconds: number;
  readonly destructionUnusedSeconds: number;
  /** Null: nobody has declared how long backups are kept. */
  readonly backupHorizonSeconds: number | null;
  readonly destructionApprovals: number;
}

/** How a tenant's active DEK stands by its policy. */
export interface Standing {
  readonly level: 'fresh' | 'due' | 'overdue' | 'orphaned';
  /** Null: no age makes it due. */
  readonly dueAt: Date | null;
  readonly overdueAt: Date | null;
  /** Tries in a row that ended without a switch, and when the last one did. */
  readonly tries: number;
  readonly triedAt: Date | null;
}

/** How old the wrapping of a tenant's DEKs is by its policy: of the one that was wrapped the longest ago. */
export interface Wrapping extends Pick<Standing, 'level' | 'tries' | 'triedAt'> {
  readonly wrappedAt: Date;
  readonly dueAt: Date;
  readonly overdueAt: Date;
}

export interface PolicyView {
  /** 0: nobody has put one. */
  readonly version: number;
  readonly putAt: Date | null;
  readonly policy: DefaultPolicy;
  readonly defaultVersion: number;
  readonly effective: Policy;
  /** What holds for a tenant that says nothing, and within what a tenant's own policy has to stay. */
  readonly byDefault: Policy;
  readonly bounds: Bounds;
  readonly protection: Protection;
  /** Null: of the default, or nothing says when the DEK is to be rotated. */
  readonly standing: Standing | null;
  /** Null: of the default, or nothing says when DEKs are to be rewrapped. */
  readonly wrapping: Wrapping | null;
}

interface Found extends Omit<PolicyView, 'putAt' | 'standing' | 'wrapping'> {
  readonly putAtMs: number | null;
  readonly standing:
    | (Pick<Standing, 'level' | 'tries'> & Record<'dueAtMs' | 'overdueAtMs' | 'triedAtMs', number | null>)
    | null;
  readonly wrapping:
    | (Pick<Wrapping, 'level' | 'tries'> &
        Record<'wrappedAtMs' | 'dueAtMs' | 'overdueAtMs', number> & { readonly triedAtMs: number | null })
    | null;
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

/** A tenant's (null: there is no such tenant), or with null the default. */
export async function findPolicy(on: Queryable, tenantId: string | null): Promise<PolicyView | null> {
  const { found } = await row<{ found: Found | null }>(on, 'select rekey.policy_state($1) as found', [
    tenantId,
  ]);
  if (found === null) return null;
  // Functions of the versions before tell less.
  const { putAtMs, standing = null, wrapping = null, ...view } = found;
  return {
    ...view,
    putAt: dateOf(putAtMs),
    standing: standing && {
      level: standing.level,
      dueAt: dateOf(standing.dueAtMs),
      overdueAt: dateOf(standing.overdueAtMs),
      tries: standing.tries,
      triedAt: dateOf(standing.triedAtMs),
    },
    wrapping: wrapping && {
      level: wrapping.level,
      wrappedAt: new Date(wrapping.wrappedAtMs),
      dueAt: new Date(wrapping.dueAtMs),
      overdueAt: new Date(wrapping.overdueAtMs),
      tries: wrapping.tries,
      triedAt: dateOf(wrapping.triedAtMs),
    },
  };
}

export interface PutPolicy extends Steering {
  /** Null: the default. */
  readonly tenantId: string | null;
  readonly policy: DefaultPolicy;
  /** The version that it takes the place of; 0: there is none. */
  readonly expected: number;
}

export type PutPolicyOutcome =
  | { readonly kind: 'changed' | 'unchanged'; readonly view: PolicyView }
  /** Another version stands. */
  | { readonly kind: 'mismatch' | 'tenant_not_found' }
  | { readonly kind: 'refused'; readonly problems: ReadonlyArray<{ field: string; problem: string }> };

export async function putPolicy(
  on: Queryable,
  { tenantId, policy, expected, actor, reason }: PutPolicy,
): Promise<PutPolicyOutcome> {
  const { outcome, problems } = await row<{
    outcome: PutPolicyOutcome['kind'];
    problems: Extract<PutPolicyOutcome, { kind: 'refused' }>['problems'] | null;
  }>(on, 'select outcome, problems from rekey.put_policy($1, $2, $3, $4, $5)', [
    tenantId,
    JSON.stringify(policy),
    expected,
    reason,
    JSON.stringify(actor),
  ]);
  if (outcome === 'refused') return { kind: outcome, problems: problems ?? [] };
  if (outcome === 'mismatch' || outcome === 'tenant_not_found') return { kind: outcome };
  const view = await findPolicy(on, tenantId);
  if (view === null) throw new Error('a policy that was put is not there');
  return { kind: outcome, view };
}
