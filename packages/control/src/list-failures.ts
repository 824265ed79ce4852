import type { ItemType, SetAsideReason } from '@rekey/data';
import { type Queryable, rows } from '@rekey/db';

export interface Failure {
  readonly itemType: ItemType;
  readonly target: string;
  readonly recordId: string;
  readonly reason: SetAsideReason;
  readonly at: Date;
}

export interface FailurePage {
  readonly failures: Failure[];
  /** Give it back as `after` for the page behind this one; null on the last. */
  readonly next: string | null;
}

/** Whether `next` of a page may have been that: any other text may hold what Postgres refuses, such as NUL. */
export function isFailuresCursor(text: string): boolean {
  const parsed = parseCursor(text);
  return parsed?.every((part) => part.isWellFormed() && !part.includes('\0')) ?? false;
}

/**
 * What a rotation set aside, by target, and within one in no order that means anything: an id may be longer than
 * an index can hold. `after` that is not one of ours starts anew.
 */
export async function listFailures(
  on: Queryable,
  rotationId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<FailurePage> {
  const [target, hash] = (after === null ? null : parseCursor(after)) ?? ['', ''];
  const found = await rows<{
    target: string;
    item_type: ItemType;
    record_id: string;
    reason: SetAsideReason;
    record_hash: Buffer;
    failed_at: Date;
  }>(
    on,
    `select f.target, t.item_type, f.record_id, f.record_hash, f.reason, f.failed_at
     from rekey.rotation_failures f join rekey.targets t on t.name = f.target
     where f.rotation_id = $1 and (f.target, f.record_hash) > ($2, $3)
     order by f.target, f.record_hash limit $4`,
    [rotationId, target, Buffer.from(hash, 'hex'), limit + 1],
  );
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    failures: page.map((failure) => ({
      itemType: failure.item_type,
      target: failure.target,
      recordId: failure.record_id,
      reason: failure.reason,
      at: failure.failed_at,
    })),
    next:
      found.length > limit && last !== undefined
        ? Buffer.from(JSON.stringify([last.target, last.record_hash.toString('hex')])).toString('base64url')
        : null,
  };
}

function parseCursor(text: string): [string, string] | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length !== 2) return null;
    const [target, hash]: unknown[] = parsed;
    return typeof target === 'string' && typeof hash === 'string' ? [target, hash] : null;
  } catch {
    return null;
  }
}
