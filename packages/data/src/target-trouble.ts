import { prepared, type Queryable, sqlStateOf } from '@rekey/db';
import type { Lease } from './range-lease.ts';
import type { Target } from './targets.ts';

/**
 * One registered table cannot be worked on: it was renamed, dropped or swapped, a column or a right is missing, a trigger
 * of it is broken. It concerns those who have records there, and nobody else.
 */
export class TargetTrouble extends Error {
  readonly target: string;
  readonly table: string;
  readonly state: string;

  constructor(target: Target, state: string, cause: unknown) {
    super(`table ${target.table} of target ${target.name} cannot be worked on (${state})`, { cause });
    this.name = 'TargetTrouble';
    this.target = target.name;
    this.table = target.table;
    this.state = state;
  }
}

/** The error as trouble of this target, if a statement about its table met what somebody has to repair there. */
export function asTargetTrouble(target: Target, error: unknown): TargetTrouble | null {
  const said = sqlStateOf(error);
  if (said === null || said.isOurs) return null;
  return /^(42|3F|XX|55000)/.test(said.state) ? new TargetTrouble(target, said.state, error) : null;
}

/** How many records the tenant has in a target, by the counts that its triggers keep. */
const counted = `(coalesce((select c.records from rekey.record_counts c where c.tenant_id = $1 and c.target = $2), 0)
  + coalesce((select sum(d.delta) from rekey.record_deltas d where d.tenant_id = $1 and d.target = $2), 0))`;

export async function hasRecords(on: Queryable, tenantId: string, target: string): Promise<boolean> {
  const [found] = await prepared<{ records: string }>(on, `select ${counted} as records`, [tenantId, target]);
  return Number(found?.records ?? 1) !== 0;
}

/**
 * Proves the one range of a target that cannot be looked at, for a tenant that has no record in it by the counts, which
 * are kept by the table's own triggers wherever it was moved. False: it has some, something drains still, or the lease is
 * lost.
 */
export async function proveByCounts(on: Queryable, lease: Lease): Promise<boolean> {
  const [answer] = await prepared<{ proved: boolean }>(
    on,
    'select rekey.prove_by_counts($1, $2, $3, $4) as proved',
    [lease.rotationId, lease.target, lease.ordinal, lease.owner],
  );
  return answer?.proved === true;
}
