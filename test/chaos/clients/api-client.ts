import type { ApiAnswer, StatusData } from '../../harness/installation.ts';
import { total } from '../../harness/sweep-facts.ts';
import type { CallKind, View } from '../history.ts';
import type { Slot } from '../world/slot.ts';
import type { World } from '../world/world.ts';

export interface CallResult<Body = ApiAnswer['body']> {
  /** 0: no answer. */
  readonly status: number;
  readonly via: string;
  readonly b: number;
  readonly e: number;
  readonly body: Body | null;
}

/** A caller hangs up after this long, which is a violation unless the API process itself is being harmed. */
const hangMs = 10_000;

/** Calls about rotations: how, and behind the rotation's id. */
const ofRotation = {
  status: ['GET', ''],
  cancel: ['POST', '/cancel'],
  pause: ['POST', '/pause'],
  resume: ['POST', '/resume'],
  retry: ['POST', '/retry'],
  limit: ['PATCH', ''],
} as const;

export interface CallOptions {
  readonly what: 'rotate' | keyof typeof ofRotation;
  readonly tenantId: string;
  /** With `rot-`; null for a rotate call. */
  readonly id: string | null;
  readonly idempotencyKey?: string;
  readonly replay?: boolean;
  /** Records a second; null: without limit. */
  readonly limit?: number | null;
}

interface Request {
  readonly what: CallKind;
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT';
  /** Behind `/api/v1/admin/`. */
  readonly path: string;
  /** Absent for what is of all tenants. */
  readonly tenantId?: string;
  /** Of the rotation or rewrap that it is about. */
  readonly id: string | null;
  readonly body?: object;
  readonly idempotencyKey?: string;
  readonly replay?: boolean;
}

/** What answers of an error have in common. */
interface Refusal {
  readonly error?: { readonly code?: string; readonly rotationId?: string; readonly rewrapId?: string };
}

/** One HTTP call through one of the two APIs, written to the history together with what `told` makes of its answer. */
export async function callAdmin<Body extends Refusal>(
  { history, token }: Pick<World, 'history' | 'token'>,
  api: Slot,
  request: Request,
  told: (body: Body) => { readonly id?: string; readonly view?: View } = () => ({}),
): Promise<CallResult<Body>> {
  const { what, method, path, tenantId, id, idempotencyKey, replay } = request;
  const b = history.now();
  let status = 0;
  let body: Body | null = null;
  let code: string | undefined;
  let retryAfter = false;
  try {
    const answer = await fetch(`${api.url()}/api/v1/admin/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(tenantId === undefined ? {} : { 'x-tenantid': tenantId }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(hangMs),
    });
    body = (await answer.json()) as Body; // parsed by the API's own tests
    status = answer.status;
    code = body.error?.code;
    retryAfter = answer.headers.has('retry-after');
  } catch (error) {
    code = error instanceof Error ? error.name : 'unknown'; // TimeoutError, or TypeError for a refused connection
  }
  const e = history.now();
  const found = body === null ? {} : told(body);
  const conflicting = status === 409 ? (body?.error?.rotationId ?? body?.error?.rewrapId ?? null) : null;
  history.add({
    t: 'call',
    what,
    via: api.name,
    tenant: tenantId ?? '*',
    id: found.id ?? id ?? conflicting,
    b,
    e,
    status,
    ...(code === undefined ? {} : { code }),
    ...(retryAfter ? { retryAfter } : {}),
    ...(replay === true ? { replay } : {}),
    ...(found.view === undefined ? {} : { view: found.view }),
  });
  return { status, via: api.name, b, e, body };
}

/** A call about rotations. */
export function callApi(
  world: Pick<World, 'history' | 'token'>,
  api: Slot,
  { what, tenantId, id, limit, ...options }: CallOptions,
): Promise<CallResult> {
  const [method, behind] = what === 'rotate' ? (['POST', ''] as const) : ofRotation[what];
  const request: Request = {
    ...options,
    what,
    tenantId,
    id,
    method,
    path: what === 'rotate' ? 'dek/rotate' : `dek/rotations/${id}${behind}`,
    ...(what === 'rotate' ? { body: { tenantId } } : {}),
    ...(what === 'limit' ? { body: { itemsPerSecondMax: limit ?? null } } : {}),
  };
  return callAdmin<ApiAnswer['body']>(world, api, request, ({ success, data }) =>
    success === true ? { id: data.rotationId, ...(what === 'rotate' ? {} : { view: viewOf(data) }) } : {},
  );
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
