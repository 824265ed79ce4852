import { createClient } from '@rekey/client';
import { signHs256 } from '../../test/harness/tokens.ts';

/** Calls the API as an operator does. */
export interface ApiClient {
  readonly headers: Readonly<Record<string, string>>;
  /** The rotation's id. Throws unless it was started. */
  rotate(tenantId: string): Promise<string>;
  cancel(rotationId: string): Promise<void>;
  /**
   * Polls until the rotation has completed: every `everyMs` at first, later every hundredth of the time it has taken, as
   * the answers' advice has it, so that the watching costs the watched nothing. Throws when it ended otherwise or takes
   * longer than `timeoutMs`.
   */
  completed(rotationId: string, everyMs: number, timeoutMs: number): Promise<void>;
}

export function statusPath(rotationId: string): string {
  return `/api/v1/admin/dek/rotations/${rotationId}`;
}

export function apiClient(url: string, jwtSecret: string, signal: AbortSignal): ApiClient {
  const token = signHs256(jwtSecret, {
    sub: 'bench',
    name: 'Benchmark',
    email: 'bench@example.com',
    roles: ['super_admin'],
    exp: Math.floor(Date.now() / 1_000) + 24 * 3_600,
  });
  const client = createClient({ url, token, signal, timeoutMs: 60_000, retry: never });
  return {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    async rotate(tenantId) {
      // Without an idempotency key, which would be stored as well.
      const headers = { 'x-tenantid': tenantId };
      return (await client.rotateDek({ headers, body: { tenantId } })).data.rotationId;
    },
    async cancel(rotationId) {
      await client.cancelRotation({ path: { rotationId } });
    },
    async completed(rotationId, everyMs, timeoutMs) {
      const everyAt = (elapsedMs: number): number => Math.max(everyMs, elapsedMs / 100);
      const { status } = await client.waitFor(rotationId, { everyMs: everyAt, timeoutMs });
      if (status !== 'completed') throw new Error(`rotation ${rotationId} ended as ${status}`);
    },
  };
}

/** What is refused is a fault of the benchmark's, and waiting would be measured. */
const never = { attempts: 1, withinMs: 0 };
