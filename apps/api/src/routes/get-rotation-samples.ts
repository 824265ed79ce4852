import {
  formatRotationId,
  RotationHeaders,
  RotationParams,
  SamplesResponse,
  samplesMessage,
} from '@rekey/contract';
import { findVisible } from '../find-visible.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** How a rotation went, to be drawn as a curve. */
export const getRotationSamples = route({
  operationId: 'getRotationSamples',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/samples',
  permission: 'by_role',
  tag: 'DEK rotation',
  summary: 'Tell how far a rotation was when',
  request: { params: RotationParams, headers: RotationHeaders },
  answers: { 200: { description: 'Points over its whole time.', schema: SamplesResponse } },
  errors: ['ROTATION_NOT_FOUND'],
  handler:
    ({ rotations, status }) =>
    async (call) => {
      const view = await findVisible(status, call);
      const samples = await rotations.samples(view.id);
      return success<SamplesResponse>(samplesMessage, {
        rotationId: formatRotationId(view.id),
        tenantId: view.tenantId,
        samples: samples.map((sample) => ({ ...sample, at: sample.at.toISOString() })),
      });
    },
});
