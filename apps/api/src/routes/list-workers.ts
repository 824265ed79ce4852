import {
  ProcessesQuery,
  ProcessesResponse,
  processesLimitDefault,
  processesMessage,
  RotationHeaders,
} from '@rekey/contract';
import type { ProcessView } from '@rekey/control';
import { tenantAsked, tenantIssues } from '../list-filters.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** The register of processes: who runs, with which KEKs, and how it goes. */
export const listWorkers = route({
  operationId: 'listWorkers',
  method: 'GET',
  path: '/api/v1/admin/workers',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'List workers and vaults',
  description:
    'All processes that can unwrap DEKs, as they last reported: every 30 to 60 seconds, and `silent` after 180 without. ' +
    'With `tenantId`, and for who is bound to one, those that have used a DEK of that tenant. One that ended or fell silent ' +
    'is listed for a day, and as long as the destruction of keys is judged by it. Give `nextCursor` back as `cursor` for the next page.',
  request: { headers: RotationHeaders, query: ProcessesQuery, rules: [tenantIssues] },
  answers: { 200: { description: 'One page of them.', schema: ProcessesResponse } },
  errors: [],
  handler:
    ({ keys }) =>
    async (call) => {
      const tenantId = tenantAsked(call);
      const { kind, state, cursor = null, limit = processesLimitDefault } = call.query;
      const filter = {
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(kind === undefined ? {} : { kind }),
        ...(state === undefined ? {} : { state }),
      };
      const page = await keys.processes(filter, { after: cursor, limit });
      return success<ProcessesResponse>(processesMessage, {
        processes: page.processes.map(processJson),
        nextCursor: page.next,
      });
    },
});

function processJson({ id, beganAt, heartbeatAt, toldAt, endedAt, keks, deks, ...view }: ProcessView) {
  const { kind, state, databaseRole, host, version, latencies } = view;
  return {
    processId: id,
    kind,
    state,
    databaseRole,
    host,
    version,
    beganAt: beganAt.toISOString(),
    heartbeatAt: heartbeatAt.toISOString(),
    toldAt: toldAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    keks: [...keks],
    keys: deks,
    latencies: { ...latencies },
  };
}
