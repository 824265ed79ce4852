import { type Queryable, rows } from '@rekey/db';
import { type RotationRow, type RotationView, rotationColumns, toView } from './rotation-view.ts';
import type { RotationPhase, RotationStatus } from './transitions/states.ts';

/** Which rotations; what is absent does not count. */
export interface RotationFilter {
  readonly tenantId?: string;
  readonly status?: RotationStatus;
  readonly phase?: RotationPhase;
  /** Started at that moment or later. */
  readonly startedAfter?: Date;
  /** Started before it. */
  readonly startedBefore?: Date;
  /** The subject's id. */
  readonly initiatedBy?: string;
  /** Retries of that one. */
  readonly retryOf?: string;
}

export interface RotationPage {
  readonly rotations: RotationView[];
  /** Give it back as `after` for the page behind this one; null on the last. */
  readonly next: string | null;
}

/** Whether `next` of a page may have been that. */
export function isRotationsCursor(text: string): boolean {
  return parseCursor(text) !== null;
}

/**
 * Rotations, the latest first. A page goes on behind the last one's start, to the microsecond, so that rotations which are
 * started meanwhile move nothing. Progress is what was last kept with each: up to a second old for one that runs.
 */
export async function listRotations(
  on: Queryable,
  filter: RotationFilter,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<RotationPage> {
  const [micros, id] = (after === null ? null : parseCursor(after)) ?? [null, null];
  const found = await rows<RotationRow & { readonly started_micros: string }>(
    on,
    `select ${rotationColumns}, (extract(epoch from started_at) * 1000000)::bigint::text as started_micros
     from rekey.rotations
     where ($1::uuid is null or tenant_id = $1) and ($2::text is null or status = $2) and ($3::text is null or phase = $3)
       and ($4::timestamptz is null or started_at >= $4) and ($5::timestamptz is null or started_at < $5)
       and ($6::text is null or initiated_by ->> 'id' = $6)
       and ($7::bigint is null
         or (started_at, id) < (timestamptz 'epoch' + $7::bigint * interval '1 microsecond', $8::uuid))
       and ($10::uuid is null or retry_of = $10)
     order by started_at desc, id desc limit $9`,
    [
      filter.tenantId ?? null,
      filter.status ?? null,
      filter.phase ?? null,
      filter.startedAfter ?? null,
      filter.startedBefore ?? null,
      filter.initiatedBy ?? null,
      micros,
      id,
      limit + 1,
      filter.retryOf ?? null,
    ],
  );
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    rotations: page.map(toView),
    next:
      found.length > limit && last !== undefined
        ? Buffer.from(JSON.stringify([last.started_micros, last.id])).toString('base64url')
        : null,
  };
}

function parseCursor(text: string): [micros: string, id: string] | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length !== 2) return null;
    const [micros, id]: unknown[] = parsed;
    const isOurs =
      typeof micros === 'string' && /^[0-9]{1,17}$/.test(micros) && typeof id === 'string' && uuid.test(id);
    return isOurs ? [micros, id] : null;
  } catch {
    return null;
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
