import {
  parseRewrapId,
  RewrapParams,
  RewrapResponse,
  RewrapsQuery,
  RewrapsResponse,
  RotationHeaders,
  rewrapMessages,
  rewrapsLimitDefault,
  SteeringBody,
} from '@rekey/contract';
import type { RewrapView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf, mayActOn, mayActOnAny } from '../auth/caller.ts';
import type { Keys } from '../dependencies.ts';
import { tenantAsked, tenantIssues } from '../list-filters.ts';
import { whoAndWhat } from '../request-log.ts';
import { rewrapJson } from '../rewrap-json.ts';
import { type Call, type Route, route } from '../route.ts';
import { success } from '../success.ts';

type OfRewrap = Call<{ params: typeof RewrapParams; headers: typeof RotationHeaders }>;

/** That one, if the caller may see it; of all tenants: who may act on any. */
export async function findVisibleRewrap(
  keys: Keys,
  { route: self, params, headers, request }: Pick<OfRewrap, 'route' | 'params' | 'headers' | 'request'>,
): Promise<RewrapView> {
  const id = parseRewrapId(params.rewrapId);
  const view = id === null ? null : await keys.rewrap(id);
  if (view === null) throw new ApiError('REWRAP_NOT_FOUND');
  const caller = callerOf(request);
  const named = headers['x-tenantid']?.toLowerCase();
  const { tenantId } = view;
  const may = tenantId === null ? mayActOnAny(caller, self) : mayActOn(caller, self, tenantId);
  if (!may || (named !== undefined && named !== tenantId)) throw new ApiError('REWRAP_NOT_FOUND');
  if (tenantId !== null) request.noted.tenantId = tenantId;
  return view;
}

function response(view: RewrapView, message: RewrapResponse['message']): RewrapResponse {
  return success<RewrapResponse>(message, rewrapJson(view));
}

export const getRewrap = route({
  operationId: 'getRewrap',
  method: 'GET',
  path: '/api/v1/admin/kek/rewraps/{rewrapId}',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Say how a rewrap stands',
  request: { params: RewrapParams, headers: RotationHeaders },
  answers: { 200: { description: 'The rewrap.', schema: RewrapResponse } },
  errors: ['REWRAP_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async (call) =>
      response(await findVisibleRewrap(keys, call), rewrapMessages.get),
});

export const listRewraps = route({
  operationId: 'listRewraps',
  method: 'GET',
  path: '/api/v1/admin/kek/rewraps',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'List rewraps',
  description:
    "The latest first. With `tenantId`, and for who is bound to one, those of that tenant's DEKs alone. Give `nextCursor` " +
    'back as `cursor` for the next page.',
  request: { headers: RotationHeaders, query: RewrapsQuery, rules: [tenantIssues] },
  answers: { 200: { description: 'One page of them.', schema: RewrapsResponse } },
  errors: [],
  handler:
    ({ keys }) =>
    async (call) => {
      const tenantId = tenantAsked(call) ?? null;
      const { cursor = null, limit = rewrapsLimitDefault } = call.query;
      const page = await keys.rewraps(tenantId, { after: cursor, limit });
      return success<RewrapsResponse>(rewrapMessages.list, {
        rewraps: page.rewraps.map(rewrapJson),
        nextCursor: page.next,
      });
    },
});

interface Way {
  readonly operationId: string;
  readonly verb: 'pause' | 'resume' | 'cancel';
  readonly wanted: 'paused' | 'in_progress' | 'cancelled';
  readonly summary: string;
  readonly description: string;
}

function steering({ operationId, verb, wanted, summary, description }: Way): Route {
  return route({
    operationId,
    method: 'POST',
    path: `/api/v1/admin/kek/rewraps/{rewrapId}/${verb}`,
    permission: 'by_role',
    tag: 'Keys',
    summary,
    description: `Needs no body; a \`reason\` is kept with the event. ${description} Repeated it answers 200.`,
    request: { params: RewrapParams, headers: RotationHeaders, body: SteeringBody, bodyOptional: true },
    answers: { 200: { description: 'The rewrap.', schema: RewrapResponse } },
    errors: ['REWRAP_NOT_FOUND', 'REWRAP_FINISHED'],
    handler:
      ({ commands, keys, logger }) =>
      async (call) => {
        const { id: rewrapId } = await findVisibleRewrap(keys, call);
        const order = { rewrapId, wanted, ...call.body };
        const outcome = await commands.steerRewrap(actorOf(callerOf(call.request)), order);
        if (outcome.kind === 'not_found') throw new ApiError('REWRAP_NOT_FOUND');
        if (outcome.kind === 'finished') throw new ApiError('REWRAP_FINISHED');
        if (outcome.kind === 'changed')
          logger.info(`rewrap ${wanted}`, { ...whoAndWhat(call.request), rewrapId });
        return response(outcome.view, rewrapMessages[verb]);
      },
  });
}

export const pauseRewrap = steering({
  operationId: 'pauseRewrap',
  verb: 'pause',
  wanted: 'paused',
  summary: 'Pause a rewrap',
  description:
    'What was rewrapped stays so, and everything can be used; no other rewrap of these DEKs can begin.',
});

export const resumeRewrap = steering({
  operationId: 'resumeRewrap',
  verb: 'resume',
  wanted: 'in_progress',
  summary: 'Resume a paused rewrap',
  description: 'It goes on with what is left.',
});

export const cancelRewrap = steering({
  operationId: 'cancelRewrap',
  verb: 'cancel',
  wanted: 'cancelled',
  summary: 'Cancel a rewrap',
  description:
    'What was rewrapped stays so: both KEKs are needed until another rewrap has brought all DEKs to one.',
});
