import { type Queryable, rows } from '@rekey/db';

export interface LongPause {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly pausedAt: Date;
}

/** Rotations that have been paused for longer than that and need somebody; each is given once, to whoever asks first. */
export async function noteLongPauses(on: Queryable, longerThanMs: number): Promise<LongPause[]> {
  const found = await rows<{ rotation_id: string; tenant_id: string; paused_at: Date }>(
    on,
    'select rotation_id, tenant_id, paused_at from rekey.note_long_pauses(make_interval(secs => $1::float8 / 1000))',
    [longerThanMs],
  );
  return found.map(({ rotation_id, tenant_id, paused_at }) => ({
    rotationId: rotation_id,
    tenantId: tenant_id,
    pausedAt: paused_at,
  }));
}
