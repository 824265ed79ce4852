import { setTimeout as sleep } from 'node:timers/promises';
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

const root = '/api/v1/admin/dek';

export function statusPath(rotationId: string): string {
  return `${root}/rotations/${rotationId}`;
}

export function apiClient(url: string, jwtSecret: string, signal: AbortSignal): ApiClient {
  const token = signHs256(jwtSecret, {
    sub: 'bench',
    name: 'Benchmark',
    email: 'bench@example.com',
    roles: ['super_admin'],
    exp: Math.floor(Date.now() / 1_000) + 24 * 3_600,
  });
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };

  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      ...init,
      signal,
      headers: { ...headers, ...init.headers },
    });
    const body: unknown = await response.json();
    if (response.status !== 200)
      throw new Error(`${path} answered ${response.status}: ${JSON.stringify(body)}`);
    return body as Answer; // the parsed edge: the contract's 200
  };

  return {
    headers,
    async rotate(tenantId) {
      const { data } = await call(`${root}/rotate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-tenantid': tenantId },
        body: JSON.stringify({ tenantId }),
      });
      return data.rotationId;
    },
    async cancel(rotationId) {
      await call(`${statusPath(rotationId)}/cancel`, { method: 'POST' });
    },
    async completed(rotationId, everyMs, timeoutMs) {
      const begun = performance.now();
      for (;;) {
        const { data } = await call(statusPath(rotationId), {});
        if (data.status === 'completed') return;
        if (data.completedAt !== null) throw new Error(`rotation ${rotationId} ended as ${data.status}`);
        const elapsedMs = performance.now() - begun;
        if (elapsedMs > timeoutMs) throw new Error(`rotation ${rotationId} took over ${timeoutMs} ms`);
        await sleep(Math.max(everyMs, elapsedMs / 100), undefined, { signal });
      }
    },
  };
}

interface Answer {
  readonly data: {
    readonly rotationId: string;
    readonly status: string;
    readonly completedAt: string | null;
  };
}
