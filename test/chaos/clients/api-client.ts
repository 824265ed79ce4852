import type { ApiAnswer, StatusData } from '../../harness/installation.ts';
import { total } from '../../harness/sweep-facts.ts';
import type { View } from '../history.ts';
import type { Slot } from '../world/slot.ts';
import type { World } from '../world/world.ts';

export interface CallResult {
  /** 0: no answer. */
  readonly status: number;
  readonly via: string;
  readonly b: number;
  readonly e: number;
  readonly body: ApiAnswer['body'] | null;
}

/** A caller hangs up after this long, which is a violation unless the API process itself is being harmed. */
const hangMs = 10_000;

export interface CallOptions {
  readonly what: 'rotate' | 'status' | 'cancel';
  readonly tenantId: string;
  /** With `rot-`; null for a rotate call. */
  readonly id: string | null;
  readonly idempotencyKey?: string;
  readonly replay?: boolean;
}

/** One HTTP call through one of the two APIs, written to the history. */
export async function callApi(
  { history, token }: Pick<World, 'history' | 'token'>,
  api: Slot,
  { what, tenantId, id, idempotencyKey, replay }: CallOptions,
): Promise<CallResult> {
  const path = { rotate: '/rotate', status: `/rotations/${id}`, cancel: `/rotations/${id}/cancel` }[what];
  const b = history.now();
  let status = 0;
  let body: ApiAnswer['body'] | null = null;
  let code: string | undefined;
  let retryAfter = false;
  try {
    const answer = await fetch(`${api.url()}/api/v1/admin/dek${path}`, {
      method: what === 'status' ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'x-tenantid': tenantId,
        ...(what === 'rotate' ? { 'content-type': 'application/json' } : {}),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(what === 'rotate' ? { body: JSON.stringify({ tenantId }) } : {}),
      signal: AbortSignal.timeout(hangMs),
    });
    body = (await answer.json()) as ApiAnswer['body']; // parsed by the API's own tests
    status = answer.status;
    code = body.error?.code;
    retryAfter = answer.headers.has('retry-after');
  } catch (error) {
    code = error instanceof Error ? error.name : 'unknown'; // TimeoutError, or TypeError for a refused connection
  }
  const e = history.now();
  const data = body?.success === true ? body.data : undefined;
  const conflicting = status === 409 ? (body?.error?.rotationId ?? null) : null;
  history.add({
    t: 'call',
    what,
    via: api.name,
    tenant: tenantId,
    id: data?.rotationId ?? id ?? conflicting,
    b,
    e,
    status,
    ...(code === undefined ? {} : { code }),
    ...(retryAfter ? { retryAfter } : {}),
    ...(replay === true ? { replay } : {}),
    ...(data === undefined || what === 'rotate' ? {} : { view: viewOf(data) }),
  });
  return { status, via: api.name, b, e, body };
}

function viewOf(data: StatusData): View {
  return {
    status: data.status,
    phase: data.phase,
    percent: data.percentComplete,
    toRotate: total(data.itemsToRotate),
    inserted: insertedIn(data),
    rotated: total(data.itemsRotated),
    superseded: total(data.itemsSuperseded),
    failed: total(data.itemsFailed),
    remaining: total(data.itemsRemaining),
    completedAt: data.completedAt,
  };
}

function insertedIn({ itemsToRotate, itemsRotated, itemsFailed, itemsRemaining }: StatusData): number {
  return Object.entries(itemsToRotate).reduce((sum, [type, counted]) => {
    const swept = (itemsRotated[type] ?? 0) + (itemsFailed[type] ?? 0) + (itemsRemaining[type] ?? 0);
    return sum + Math.max(0, swept - counted);
  }, 0);
}
