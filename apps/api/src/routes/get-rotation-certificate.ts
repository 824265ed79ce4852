import { RotationHeaders, RotationParams } from '@rekey/contract';
import { bareCertificate, ofCertificate } from '../certificate-answer.ts';
import { findVisible } from '../find-visible.ts';
import { route } from '../route.ts';

export const getRotationCertificate = route({
  operationId: 'getRotationCertificate',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/certificate',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'Fetch the signed certificate of a completed rotation',
  ...ofCertificate,
  request: { params: RotationParams, headers: RotationHeaders },
  errors: ['ROTATION_NOT_FOUND', 'CERTIFICATE_NOT_READY'],
  handler:
    ({ rotations, status }) =>
    async (call) =>
      bareCertificate(call, await rotations.certificate((await findVisible(status, call)).id)),
});
