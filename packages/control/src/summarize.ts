import { type Queryable, row } from '@rekey/db';
import { findPolicyFigures, type PolicyFigures } from './policy-standings.ts';
import { type RotationStatus, rotationStatuses } from './transitions/states.ts';

/** Why a rotation needs a person. */
const needs = [
  'paused',
  'failed',
  'completed_with_failures',
  'integrity',
  'internal',
  'kek_suspended',
] as const;
type Need = (typeof needs)[number];

/** Active DEKs are counted by age, in days of 24 hours: below each of these, and older. */
const ageBounds = [1, 7, 30, 90, 180, 365] as const;

export interface Summary {
  readonly rotations: Readonly<Record<RotationStatus, number>>;
  readonly inNeed: Readonly<Record<Need, number>>;
  /** Those that have waited longest. */
  readonly named: ReadonlyArray<{
    readonly id: string;
    readonly tenantId: string;
    readonly reason: Need;
    readonly since: Date;
  }>;
  /** From the youngest, the last one without a bound. */
  readonly ages: ReadonlyArray<{ readonly daysBelow: number | null; readonly keys: number }>;
  /** Null: nobody knows. */
  readonly standings: PolicyFigures | null;
}

interface Found {
  readonly rotations: Readonly<Partial<Record<RotationStatus, number>>>;
  readonly reasons: Readonly<Partial<Record<Need, number>>>;
  readonly named: ReadonlyArray<{ id: string; tenantId: string; reason: Need; sinceMs: number }>;
  readonly ages: ReadonlyArray<{ days: number | null; keys: number }>;
}

/** How the rotations of a tenant stand, or with null those of all. */
export async function summarize(on: Queryable, tenantId: string | null): Promise<Summary> {
  const { found } = await row<{ found: Found }>(on, 'select rekey.summarize($1) as found', [tenantId]);
  const standings = await findPolicyFigures(on, tenantId);
  return {
    rotations: counted(rotationStatuses, found.rotations),
    inNeed: counted(needs, found.reasons),
    named: found.named.map(({ sinceMs, ...rotation }) => ({ ...rotation, since: new Date(sinceMs) })),
    ages: [...ageBounds, null].map((daysBelow) => ({
      daysBelow,
      keys: found.ages.find(({ days }) => days === daysBelow)?.keys ?? 0,
    })),
    standings,
  };
}

/** Folds what became of the summary since; whoever calls this at the same time does nothing. */
export async function keepSummary(on: Queryable): Promise<void> {
  await row(on, 'select rekey.keep_summary()');
}

function counted<Name extends string>(
  names: readonly Name[],
  found: Readonly<Partial<Record<Name, number>>>,
): Record<Name, number> {
  // Every name has its entry.
  return Object.fromEntries(names.map((name) => [name, found[name] ?? 0])) as Record<Name, number>;
}
