import { RotationHeaders, RotationParams } from '@rekey/contract';
import Type from 'typebox';
import { ApiError } from '../api-error.ts';
import { findVisible } from '../find-visible.ts';
import { chooseType } from '../media-types.ts';
import { route } from '../route.ts';

const jose = 'application/jose';
const mediaTypes = ['application/vnd.dsse+json', jose] as const;

/** The very bytes that were signed, bare: whoever keeps the answer has the file. */
export const getRotationCertificate = route({
  operationId: 'getRotationCertificate',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/certificate',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'Fetch the signed certificate of a completed rotation',
  description: 'An in-toto Statement in a DSSE envelope, or the same as compact JWS. It never changes.',
  mediaTypes: [...mediaTypes],
  request: { params: RotationParams, headers: RotationHeaders },
  answers: { 200: { description: 'The certificate.', schema: Type.String() } },
  errors: ['ROTATION_NOT_FOUND', 'CERTIFICATE_NOT_READY'],
  handler:
    ({ rotations, status }) =>
    async (call) => {
      const view = await findVisible(status, call);
      const certificate = await rotations.certificate(view.id);
      if (certificate === null) throw new ApiError('CERTIFICATE_NOT_READY');
      const type = chooseType(call.request.headers.accept, mediaTypes) ?? mediaTypes[0];
      call.reply.type(type).header('vary', 'accept');
      return type === jose ? certificate.jws : certificate.dsse;
    },
});
