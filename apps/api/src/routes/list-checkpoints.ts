import {
  auditLimitDefault,
  CheckpointsQuery,
  CheckpointsResponse,
  checkpointsMessage,
  RotationHeaders,
} from '@rekey/contract';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** The same for every caller: a checkpoint covers the events of all, and tells nothing of any. */
export const listCheckpoints = route({
  operationId: 'listCheckpoints',
  method: 'GET',
  path: '/api/v1/admin/audit/checkpoints',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'List the signed checkpoints of the log of all events',
  description:
    'The latest first. Those that prove anything are held where this server is not. For the next page give the last `size` as `before`.',
  request: { headers: RotationHeaders, query: CheckpointsQuery },
  answers: { 200: { description: 'One page of them.', schema: CheckpointsResponse } },
  errors: [],
  handler:
    ({ audit }) =>
    async ({ query }) => {
      const { before = null, limit = auditLimitDefault } = query;
      const checkpoints = await audit.checkpoints({ before, limit });
      return success<CheckpointsResponse>(checkpointsMessage, {
        checkpoints: checkpoints.map(({ size, madeAt, note }) => ({
          size,
          madeAt: madeAt.toISOString(),
          note,
        })),
      });
    },
});
