import { missingForgottenMs } from '@rekey/times';

/**
 * Told of each time that a rotation meets a part of the schema missing; whether that has been so for longer than the
 * moment that a change or a restore may take.
 */
export function createMissingSchema(momentMs: number): (rotationId: string) => boolean {
  const missing = new Map<string, { readonly sinceMs: number; readonly seenMs: number }>();
  return (rotationId) => {
    const nowMs = performance.now();
    for (const [id, { seenMs }] of missing) if (nowMs - seenMs > missingForgottenMs) missing.delete(id);
    const sinceMs = missing.get(rotationId)?.sinceMs ?? nowMs;
    missing.set(rotationId, { sinceMs, seenMs: nowMs });
    return nowMs - sinceMs > momentMs;
  };
}
