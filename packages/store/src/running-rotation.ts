import { type Queryable, rows } from './open-store.ts';
import { planIsComplete } from './plan-ranges.ts';
import type { RangeId } from './range-lease.ts';

/** What a worker must know of a running rotation. Ids are plain UUIDs. */
export interface RunningRotation {
  readonly id: string;
  readonly tenantId: string;
  readonly phase: 'queued' | 'activating' | 'sweeping' | 'verifying';
  readonly previousDekId: string | null;
  readonly newDekId: string;
  readonly newKeyNumber: number;
  /** Whether the new DEK is active. */
  readonly switched: boolean;
}

/** The rotation, if it is running (neither finished nor paused). */
export async function loadRunning(on: Queryable, rotationId: string): Promise<RunningRotation | null> {
  const [found] = await rows<{
    id: string;
    tenant_id: string;
    phase: RunningRotation['phase'];
    previous_dek_id: string | null;
    new_dek_id: string;
    key_number: number;
    switched: boolean;
  }>(
    on,
    `select r.id, r.tenant_id, r.phase, r.previous_dek_id, r.new_dek_id, d.key_number,
       r.switched_at is not null as switched
     from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
     where r.id = $1 and r.status = 'in_progress'`,
    [rotationId],
  );
  if (found === undefined) return null;
  return {
    id: found.id,
    tenantId: found.tenant_id,
    phase: found.phase,
    previousDekId: found.previous_dek_id,
    newDekId: found.new_dek_id,
    newKeyNumber: found.key_number,
    switched: found.switched,
  };
}

/** Whether the tenant has an unfinished rotation that runs, and which. */
export async function findUnfinished(on: Queryable, tenantId: string): Promise<string | null> {
  const [found] = await rows<{ id: string }>(
    on,
    `select id from rekey.rotations where tenant_id = $1 and status = 'in_progress'`,
    [tenantId],
  );
  return found?.id ?? null;
}

/** From queued to activating, with a sign of life; harmless when it is further on. */
export async function beginActivating(on: Queryable, rotationId: string): Promise<void> {
  await rows(
    on,
    `update rekey.rotations set phase = 'activating', heartbeat_at = clock_timestamp()
     where id = $1 and status = 'in_progress' and phase = 'queued'`,
    [rotationId],
  );
}

/** From sweeping to verifying if everything is planned and no range is left to prove; whether the rotation is verifying now. */
export async function beginVerifying(on: Queryable, rotationId: string): Promise<boolean> {
  const verifying = await rows(
    on,
    `update rekey.rotations set phase = 'verifying', heartbeat_at = clock_timestamp()
     where id = $1 and status = 'in_progress' and phase in ('sweeping', 'verifying')
       and ${planIsComplete('$1')}
       and not exists (select from rekey.rotation_ranges where rotation_id = $1 and proved_at is null)
     returning 1`,
    [rotationId],
  );
  return verifying.length === 1;
}

export interface OpenRange extends RangeId {
  readonly planned: number;
}

/** The ranges that are not proved yet, by ordinal, so that the first of every target come first. */
export async function openRanges(on: Queryable, rotationId: string): Promise<OpenRange[]> {
  const found = await rows<{ target: string; ordinal: number; planned: string }>(
    on,
    `select target, ordinal, planned from rekey.rotation_ranges
     where rotation_id = $1 and proved_at is null order by ordinal, target`,
    [rotationId],
  );
  return found.map(({ target, ordinal, planned }) => ({
    rotationId,
    target,
    ordinal,
    planned: Number(planned),
  }));
}
