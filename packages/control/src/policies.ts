import { type Queryable, row } from '@rekey/db';
import type { OpenHours } from '@rekey/times';

export type { OpenHours };

import type { Steering } from './transitions/steered.ts';

/** What is done to a tenant's keys by itself. Null: never, or without limit. */
export interface Policy {
  readonly rotateEveryDays: number | null;
  readonly rotateBeforeSeals: number | null;
  readonly destroyAfterDays: number | null;
  readonly windows: readonly OpenHours[] | null;
  /** The name of the KEK that new DEKs are wrapped under; null: the one that wraps the tenant's. */
  readonly kek: string | null;
}

/** A tenant's own: what it leaves out is the default's. */
export type TenantPolicy = Partial<Policy>;

export interface DefaultPolicy extends TenantPolicy {
  readonly bounds?: {
    readonly rotateEveryDaysMin?: number;
    readonly rotateEveryDaysMax?: number;
    readonly rotateBeforeSealsMax?: number;
  };
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

export interface PolicyView {
  /** 0: nobody has put one. */
  readonly version: number;
  readonly putAt: Date | null;
  readonly policy: DefaultPolicy;
  readonly defaultVersion: number;
  readonly effective: Policy;
  readonly protection: Protection;
}

/** A tenant's (null: there is no such tenant), or with null the default. */
export async function findPolicy(on: Queryable, tenantId: string | null): Promise<PolicyView | null> {
  const { found } = await row<{ found: (Omit<PolicyView, 'putAt'> & { putAtMs: number | null }) | null }>(
    on,
    'select rekey.policy_state($1) as found',
    [tenantId],
  );
  if (found === null) return null;
  const { putAtMs, ...view } = found;
  return { ...view, putAt: putAtMs === null ? null : new Date(putAtMs) };
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
