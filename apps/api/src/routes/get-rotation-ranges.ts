import {
  cellsDefault,
  formatRotationId,
  RangesQuery,
  RangesResponse,
  RotationHeaders,
  RotationParams,
  rangesMessage,
} from '@rekey/contract';
import { findVisible } from '../find-visible.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** How far a rotation is in which part of which table, to be drawn as a strip. */
export const getRotationRanges = route({
  operationId: 'getRotationRanges',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/ranges',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Show how far a rotation is in each part of each table',
  request: { params: RotationParams, headers: RotationHeaders, query: RangesQuery },
  answers: { 200: { description: 'Its ranges, folded into cells.', schema: RangesResponse } },
  errors: ['ROTATION_NOT_FOUND'],
  handler:
    ({ rotations, status }) =>
    async (call) => {
      const view = await findVisible(status, call);
      const cells = await rotations.ranges(view.id, call.query.cells ?? cellsDefault);
      return success<RangesResponse>(rangesMessage, {
        rotationId: formatRotationId(view.id),
        tenantId: view.tenantId,
        cells: cells.map(({ target, planned, sweeping, left, swept, proved, ...items }) => ({
          target,
          ranges: { planned, sweeping, left, swept, proved },
          ...items,
        })),
      });
    },
});
