import { escapeLiteral } from 'pg';
import type { Target } from './targets.ts';

/** SQL expressions for a tenant and for the bounds of a slice of its ids; null is minus or plus infinity. */
export interface Bounds {
  readonly tenant: string;
  readonly after: string | null;
  readonly upTo: string | null;
}

/**
 * How many records of a range one statement looks at, whatever their DEK: seconds on a slow disk, where a range has grown
 * by millions while it was swept.
 */
export const stepItems = 50_000;

/**
 * The condition for a tenant's records with `after < id <= upTo`, in a form that has one plan whatever the planner
 * believes: a scan of the index on (tenant, id) from the lower to the upper bound. Written as `tenant = …` with
 * bounds on the id, it may choose the primary key and step over the records of every other tenant, or begin at the
 * tenant's first record each time. The table goes by the alias t; queries order by tenant and id, as the index does.
 */
export function within(target: Target, bounds: Bounds): string {
  const tenant = `t.${target.tenant}`;
  const id = `t.${target.id}`;
  const lower =
    bounds.after === null
      ? `${tenant} >= ${bounds.tenant}`
      : `(${tenant}, ${id}) > (${bounds.tenant}, ${bounds.after})`;
  const upper =
    bounds.upTo === null
      ? `${tenant} <= ${bounds.tenant}`
      : `(${tenant}, ${id}) <= (${bounds.tenant}, ${bounds.upTo})`;
  return `${lower} and ${upper}`;
}

/** Bounds as escaped literals of the right types. */
export function literals(
  target: Target,
  tenantId: string,
  after: string | null,
  upTo: string | null,
): Bounds {
  const id = (value: string | null): string | null =>
    value === null ? null : `${escapeLiteral(value)}::${target.idType}`;
  return { tenant: `${escapeLiteral(tenantId)}::uuid`, after: id(after), upTo: id(upTo) };
}
