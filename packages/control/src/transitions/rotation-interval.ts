import { type Queryable, rows } from '@rekey/db';
import { unfinished } from './states.ts';

/**
 * How many seconds the next rotation of the tenant has to wait, when `intervalSeconds` must lie between the end of the
 * last completed one (with failures or without) and its start; 0 when it need not. A retry, which makes no DEK, does not
 * count. While one runs it is 0 too: the
 * start then says so. Ask under the tenant's lock, so that the answer still holds when the rotation is started.
 */
export async function secondsUntilNextRotation(
  on: Queryable,
  tenantId: string,
  intervalSeconds: number,
): Promise<number> {
  const [left] = await rows<{ seconds: number }>(
    on,
    `select ceil(extract(epoch from max(completed_at) - now()) + $2)::int as seconds
     from rekey.rotations
     where tenant_id = $1 and status in ('completed', 'completed_with_failures') and retry_of is null
     having max(completed_at) is not null
       and not exists (select from rekey.rotations where tenant_id = $1 and ${unfinished})`,
    [tenantId, intervalSeconds],
  );
  return Math.max(0, left?.seconds ?? 0);
}
