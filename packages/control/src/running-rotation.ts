import { prepared, type Queryable, rows } from '@rekey/db';
import type { RotationPhase } from './transitions/states.ts';

/** What a worker must know of a running rotation. Ids are plain UUIDs. */
export interface RunningRotation {
  readonly id: string;
  readonly tenantId: string;
  readonly phase: Exclude<RotationPhase, 'done'>;
  readonly previousDekId: string | null;
  readonly newDekId: string;
  readonly newKeyNumber: number;
  /** Whether the new DEK is active. */
  readonly switched: boolean;
  /** What it was held back to when this was read, over all workers. */
  readonly itemsPerSecondMax: number | null;
  /** It comes before all that are not, and nothing holds it back. */
  readonly compromise: boolean;
  /** What the new DEK is to be wrapped under; null: what wraps the tenant's. */
  readonly kekId: string | null;
}

export interface RunningRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly phase: RunningRotation['phase'];
  readonly previous_dek_id: string | null;
  readonly new_dek_id: string;
  readonly key_number: number;
  readonly switched: boolean;
  readonly items_per_second_max: number | null;
  readonly compromise: boolean;
  readonly kek_id: string | null;
}

const runningColumns = `r.id, r.tenant_id, r.phase, r.previous_dek_id, r.new_dek_id, d.key_number,
  r.switched_at is not null as switched, r.items_per_second_max,
  r.compromise, r.kek_id`;

export function toRunning(found: RunningRow): RunningRotation {
  return {
    id: found.id,
    tenantId: found.tenant_id,
    phase: found.phase,
    previousDekId: found.previous_dek_id,
    newDekId: found.new_dek_id,
    newKeyNumber: found.key_number,
    switched: found.switched,
    itemsPerSecondMax: found.items_per_second_max,
    compromise: found.compromise,
    kekId: found.kek_id,
  };
}

/** The rotation, if it is running (neither finished nor paused). */
export async function loadRunning(on: Queryable, rotationId: string): Promise<RunningRotation | null> {
  const [found] = await rows<RunningRow>(
    on,
    `select ${runningColumns} from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
     where r.id = $1 and r.status = 'in_progress'`,
    [rotationId],
  );
  return found === undefined ? null : toRunning(found);
}

/** Whether the tenant has an unfinished rotation that runs, and which. */
export async function findUnfinished(
  on: Queryable,
  tenantId: string,
): Promise<Pick<RunningRotation, 'id' | 'compromise'> | null> {
  const [found] = await prepared<{ id: string; compromise: boolean }>(
    on,
    `select id, compromise from rekey.rotations where tenant_id = $1 and status = 'in_progress'`,
    [tenantId],
  );
  return found ?? null;
}
